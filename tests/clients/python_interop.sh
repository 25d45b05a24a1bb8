#!/usr/bin/env bash
# A Python client on Apache's C++ client library (PyPI's rocketmq) against our servers.
. "$SOURCE/tests/support/servers.sh"
version=0.4.4
HOME=$USER_HOME python3 -m pip install -q --disable-pip-version-check --target "$T/python" "rocketmq==$version" \
    >"$T/pip" 2>&1 || { cat "$T/pip"; echo "no rocketmq $version for Python here"; exit 77; }
PYTHONPATH=$T/python python3 -c 'import rocketmq.client' 2>"$T/import" ||
    { cat "$T/import"; echo "its library does not run here"; exit 77; }
ns=$(free_port)
our_namesrv ns "$ns"
our_broker broker-a "$(free_port)" "127.0.0.1:$ns"
PYTHONPATH=$T/python timeout 90 python3 "$SOURCE/tests/clients/python_client.py" "127.0.0.1:$ns" || fail "the Python client"
