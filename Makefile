# Every daily command is one line here. Sources, tests and modules: CMakeLists.txt. Dependencies: scripts/install-deps.
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)
CTEST   = ctest --output-on-failure -j $(JOBS)

all: deps            ## a runnable tree in dist/
	cmake --preset release && cmake --build --preset release -j $(JOBS) && cmake --install build/release --prefix dist
deps:                ## install what is missing from Debian's packages (asks dpkg first; nothing to do = instant)
	@scripts/install-deps build
test-deps:
	@scripts/install-deps build test
quickstart: all      ## build, start both servers, send and receive 1000 messages, stop
	@scripts/quickstart
test: test-deps all  ## every test: unit, golden, fuzz smoke, sanitizers, interop with real Java clients and servers
	scripts/test
unit: test-deps      ## the tests of the modules alone (seconds)
	cmake --preset dev && cmake --build --preset dev -j $(JOBS) && $(CTEST) --test-dir build/dev -LE interop
asan: test-deps      ## the same under AddressSanitizer and UBSan
	cmake --preset asan && cmake --build --preset asan -j $(JOBS) && $(CTEST) --test-dir build/asan -LE interop
tsan: test-deps      ## the same under ThreadSanitizer
	cmake --preset tsan && cmake --build --preset tsan -j $(JOBS) && $(CTEST) --test-dir build/tsan -LE interop
clang: test-deps     ## the same with clang, warnings as errors
	cmake --preset clang && cmake --build --preset clang -j $(JOBS) && $(CTEST) --test-dir build/clang -LE interop
interop: all         ## with Apache's Java clients, servers and tools (needs ../shared)
	cmake --preset dev && cmake --build --preset dev -j $(JOBS) && ctest --output-on-failure --test-dir build/dev -L interop
takeover: all        ## stores from hand to hand under load, with Java 4.2.0, 4.9.4, 5.3.3 and 5.5.0 (needs ../shared)
	cmake --preset dev && cmake --build --preset dev -j $(JOBS)
	TAKEOVER_VERSIONS="4.2.0 4.9.4 5.3.3 5.5.0" ctest --output-on-failure --test-dir build/dev -R takeover
conformance: all     ## Apache's Java clients of four releases judge our servers (needs ../shared)
	CONFORMANCE_CLIENTS="4.2.0 4.9.8 5.3.3 5.5.0" SOURCE=$(CURDIR) DIST=$(CURDIR)/dist SHARED=$(CURDIR)/../shared bash tests/peer/conformance.sh
torture: test-deps   ## kills, power cuts, failing disks, flipped bits: minutes; TORTURE_SEED=n: the same again
	cmake --preset dev && cmake --build --preset dev -j $(JOBS)
	RMQ_TORTURE_SEED=$(TORTURE_SEED) scripts/torture build/dev/tests
fuzz: test-deps      ## each parser for FUZZ_SECONDS (60)
	cmake --preset fuzz && cmake --build --preset fuzz -j $(JOBS) && scripts/fuzz $(or $(FUZZ_SECONDS),60)
bench: all           ## rates, response times, CPU, memory: beside Java where it is, beside the machine's limits
	cmake --build --preset release -j $(JOBS) --target bench
	bench/bench.py $(BENCH_ARGS)
curves: all          ## what the work costs when there is more of it: topics, queues, connections, groups, ...
	cmake --build --preset release -j $(JOBS) --target bench
	bench/bench.py curves
format:              ## clang-format all sources
	git ls-files '*.c' '*.h' | xargs clang-format -i
docs:                ## docs/config.md and the manual pages, from the tables and headers they come from
	tools/gen_docs.py && docs/man/generate.py
lint: test-deps      ## format, layers, style, made docs are current
	git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
	tools/check_layers.py && tools/check_style.py && tools/gen_docs.py --check && docs/man/generate.py --check
install: all         ## to PREFIX (/usr/local)
	cmake --install build/release --prefix $(PREFIX)
clean:
	rm -rf build dist
help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'

.PHONY: all deps test-deps quickstart test unit asan tsan clang interop conformance fuzz bench pileup takeover torture format docs lint install clean help
