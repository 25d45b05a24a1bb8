# mqstore on a store left by a Java broker: what it prints is what is there, and it sees damage.
. "$SOURCE/tests/support/servers.sh"
mqstore=$DIST/bin/mqstore
[ -d "$SHARED/golden/store" ] || exit 77
tar --zstd -xf "$SHARED/golden/store/v533-clean.tar.zst" -C "$T"
store=$T/v533-clean

has() { "$mqstore" "$store" "${@:2}" >"$T/out" || fail "mqstore ${*:2}: status $?"; grep -qF -- "$1" "$T/out" || fail "mqstore ${*:2} does not print '$1'"; }
has "0..796272, records 517, queue entries 517 (expired 0, copies 0), index entries 1383, faults 0" verify
has "offsetMsgId      7F000001000078BF00000000000BDA66" record 776806
has "REAL_TOPIC = TopicDelay" record 776806
has "0 phys=776806 size=380 tagsCode=99497" queue TopicDelay 0
has "TAGS=TagA KEYS=kA0 all-a" key TopicA kA0
has "20261124001152769 slots=1000 entries=999 of 999 phys=0..328881" index
has "physicMsgTimestamp  1795479147986" checkpoint
has "796272 end of the log" log 776806
same "records printed" 3 "$("$mqstore" "$store" log 0 3 | wc -l)"

status() { local got=0; "$mqstore" "${@:2}" >"$T/out" 2>&1 || got=$?; same "status of mqstore ${*:2}" "$1" "$got"; }
status 2
status 2 "$store"
status 2 "$store" nothing
status 2 "$store" queue TopicA
status 2 "$store" record x
status 1 "$store" record 1
status 1 "$T/none" verify
status 1 "$store" queue NoTopic 0

# One byte of a queue entry, of a key's hash, of a body.
damage() { printf '\377' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
verify_sees() { # verify_sees TEXT FILE POSITION
    cp "$2" "$T/kept"
    damage "$2" "$3"
    status 1 "$store" verify
    grep -q "^FAULT $1" "$T/out" || fail "verify does not say '$1'"
    cp "$T/kept" "$2"
}
verify_sees "queue TopicA/0 offset 3" "$store/consumequeue/TopicA/0/00000000000000000000" 67
verify_sees "queue TopicA/0 offset 3: tags code" "$store/consumequeue/TopicA/0/00000000000000000000" 79
verify_sees "index: 20261124001152769: 0 entries and 1 slots" "$store/index/20261124001152769" 40
verify_sees "index: .* has no such key" "$store/index/20261124001152769" 4100
verify_sees "log: no record at 776806" "$store/commitlog/00000000000000524288" $((776806 - 524288 + 95))
status 0 "$store" verify

# Repair: a record of the log, a queue, the index and a whole queue folder are damaged; all but the record comes back.
cat >"$T/broker.conf" <<'CONF'
messageDelayLevel=1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 3650d
messageIndexEnable=false
CONF
queues() {
    local queue
    for queue in "$1"/consumequeue/*/*; do
        echo "$queue" | grep -o 'consumequeue.*'
        "$mqstore" "$1" queue "$(basename "$(dirname "$queue")")" "$(basename "$queue")"
    done
}
queues "$store" >"$T/before"
damage "$store/commitlog/00000000000000000000" $((1806 + 95))
damage "$store/consumequeue/TopicA/0/00000000000000000000" 207
damage "$store/index/20261124001152769" 4100
rm -r "$store/consumequeue/TopicB"
printf '\7' | dd of="$store/checkpoint" bs=1 seek=31 conv=notrunc status=none
status 1 "$store" verify
grep -q '^FAULT log: no record at 1806: .* it goes on at 2482' "$T/out" || fail "verify does not say where the log goes on"
grep -q '^FAULT queue TopicB/0: missing, with 38 records' "$T/out" || fail "verify does not miss the queue"
has "faults 0" repair "$T/broker.conf"
has "records 517, queue entries 516 (expired 0, copies 0), index entries 1876, faults 0" verify # tags too
has "masterFlushedOffset 7" checkpoint
has "1806 size=676 topic=RMQ_SYS_DAMAGED" log 1806 1
has "3 phys=0 size=2147483647 tagsCode=0 filler" queue TopicA 0 3
queues "$store" >"$T/after"
same "queue entries changed" 1 "$(diff "$T/before" "$T/after" | grep -c '^>')"
kept=$(echo "$store"/before-repair-*/commitlog/00000000000000001806)
same "bytes kept" 676 "$(stat -c %s "$kept")"

# What a killed broker leaves behind is repaired too; a store in use is not.
tar --zstd -xf "$SHARED/golden/store/v533-torn.tar.zst" -C "$T"
status 1 "$T/v533-torn" verify
# The log cannot be prepared for more under such a limit (KiB of a file), and when that is found out before the end of
# the repair, the store cannot be closed.
for ((try = 0; try < 50; try++)); do
    got=0
    (trap '' XFSZ && ulimit -f 24 && exec "$mqstore" "$T/v533-torn" repair) >"$T/out" 2>&1 || got=$?
    [ ! -e "$T/v533-torn/abort" ] || break
    same "status of a repair that ends well" 0 "$got"
done
same "status of a repair that cannot close the store" 1 "$got"
grep -q "not all of it is on disk" "$T/out" || fail "repair does not say that the store could not be closed"
status 0 "$T/v533-torn" repair
test ! -e "$T/v533-torn/abort" || fail "repair leaves a store that has to be recovered"
python3 - "$store/lock" <<'PY' &
import fcntl, sys, time
file = open(sys.argv[1], "r+"); fcntl.lockf(file, fcntl.LOCK_EX, 1, 0); print("held", file=open(sys.argv[1] + "ed", "w")); time.sleep(60)
PY
PIDS+=($!)
wait_for 10 lock test -e "$store/locked"
status 1 "$store" repair
grep -q "in use by a broker" "$T/out" || fail "repair does not say that the store is in use"
