#!/usr/bin/env bash
# What is installed can be used: programs in C and C++ build with pkg-config and run; the library gives out what its
# headers declare and nothing else; the manual pages are those of the headers.
set -euo pipefail
fail() { echo "FAILED: $*" >&2; exit 1; }
T=$(mktemp -d "${TMPDIR:-/tmp}/rmq-test.XXXXXX")
trap 'rm -rf "$T"' EXIT

declared=$(grep -ohE 'RMQ_API .*' "$SOURCE"/include/rocketmq/*.h | grep -oE 'rmq_[a-z_]+\(' | tr -d '(' | sort -u)
given=$(nm -D --defined-only "$DIST/lib/librocketmq.so" | awk '$2 == "T" { print $3 }' | sort -u)
[ "$declared" = "$given" ] || fail "exported and declared differ: $(diff <(echo "$declared") <(echo "$given"))"

cat >"$T/use.c" <<'C'
#include <rocketmq/rocketmq.h>
#include <stdio.h>
int main(void) {
    rmq_client_options_t options;
    rmq_client_options_init(&options);
    options.name_servers = "nowhere";
    rmq_client_t *client = NULL;
    rmq_error_t error = rmq_client_create(&options, &client);
    puts(rmq_error_name(error));
    return error == RMQ_INVALID_ARGUMENT && rmq_last_error()[0] ? 0 : 1;
}
C
sanitize=() # as the library was built
nm -D "$DIST/lib/librocketmq.so" >"$T/symbols"
! grep -q __asan_init "$T/symbols" || sanitize=(-fsanitize=address,undefined)
! grep -q __tsan_init "$T/symbols" || sanitize=(-fsanitize=thread)
export PKG_CONFIG_PATH=$DIST/lib/pkgconfig LD_LIBRARY_PATH=$DIST/lib
for compiler in "${CC:-cc} -x c -std=c11" "${CXX:-c++} -x c++ -std=c++11"; do
    command -v "${compiler%% *}" >/dev/null || continue
    $compiler -Wall -Wextra -pedantic -Werror "$T/use.c" -x none -o "$T/use" $(pkg-config --cflags --libs rocketmq) "${sanitize[@]}"
    "$T/use" >"$T/out"
    [ "$(cat "$T/out")" = INVALID_ARGUMENT ] || fail "the program says $(cat "$T/out")"
done

python3 "$SOURCE/docs/man/generate.py" --check
for page in mqproducer.1 mqconsumer.1 rocketmq.3 rmq_client.3 rmq_producer.3 rmq_consumer.3 rmq_message.3 rmq_error.3; do
    [ -s "$DIST/share/man/man${page##*.}/$page" ] || fail "$page is not installed"
done
