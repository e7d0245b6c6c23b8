#!/usr/bin/env bash
# Makes the recordings anew: what real tools print, byte by byte, on a pipe and on a terminal. A recording that would be
# too long is stopped early, never edited. All of it happens in /tmp/demo and on the loopback address.
#
# Usage: record.sh [NAME…]   (all without a name; the name is the file's, such as curl.pty)
# Wants curl, wget, git, rsync, pv, ninja, cmake, cargo, npm, ffmpeg, zip, unzip, zstd, mksquashfs, mke2fs,
# badblocks and e2fsck, 7z, aria2c, parallel, dpkg with apt (as root), a python3 with pip, and one that has tqdm, pytest
# and uv, named in $TQDM_PYTHON.
set -uo pipefail
out=$(cd "$(dirname "$0")" && pwd)
wanted=("$@")
most=65536
demo=/tmp/demo
# What is recorded is made each time, so that one recording can be made alone.
rm -rf "$demo" && mkdir -p "$demo/home" "$demo/served" && cd "$demo" || exit 1
cargo_home=${CARGO_HOME:-$HOME/.cargo} rustup_home=${RUSTUP_HOME:-$HOME/.rustup} python=$(python3 -c 'import sys; print(sys.executable)')
tqdm_python=${TQDM_PYTHON:-$python}
export LC_ALL=C.UTF-8 TERM=xterm-256color COLUMNS=80 LINES=24

# Names of a person, a machine or a mirror have no place in a recording: an environment of its own.
neutral() {
    env -i PATH="$PATH" HOME="$demo/home" LC_ALL="$LC_ALL" TERM="$TERM" CARGO_HOME="$cargo_home" RUSTUP_HOME="$rustup_home" \
        PYTHON="$python" TQDM="$tqdm_python" PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 \
        CARGO_TARGET_DIR="$demo/target" GIT_CONFIG_NOSYSTEM=1 CARGO_NET_OFFLINE=true npm_config_offline=true \
        npm_config_userconfig="$demo/home/user.npmrc" npm_config_globalconfig="$demo/home/global.npmrc" npm_config_update_notifier=false \
        npm_config_audit=false npm_config_fund=false "$@"
}
asked() { [ ${#wanted[@]} -eq 0 ] || printf '%s\n' "${wanted[@]}" | grep -qxF "$1"; }

# piped NAME COMMAND: both streams into one pipe.
piped() {
    asked "$1.pipe" || return 0
    neutral bash -c "$2" </dev/null 2>&1 | head -c "$most" >"$out/$1.pipe"
    echo "$1.pipe: $(stat -c %s "$out/$1.pipe") bytes"
}
# drawn NAME COMMAND: on a pseudo-terminal of 80 columns.
drawn() {
    asked "$1.pty" || return 0
    neutral script -qfec "stty cols 80 rows 24; $2" /dev/null </dev/null 2>/dev/null | head -c "$most" >"$out/$1.pty"
    echo "$1.pty: $(stat -c %s "$out/$1.pty") bytes"
}
both() { piped "$@"; drawn "$@"; }

# A server that gives out what is in served/, slowly.
cat >serve.py <<'PY'
import http.server, os, time
class Slow(http.server.SimpleHTTPRequestHandler):
    def copyfile(self, source, target):
        while block := source.read(256 * 1024):
            target.write(block)
            time.sleep(0.15)
    def log_message(self, *_):
        pass
os.chdir("/tmp/demo/served")
http.server.ThreadingHTTPServer(("127.0.0.1", 8099), Slow).serve_forever()
PY
head -c 4000000 /dev/urandom >served/demo.bin
"$python" serve.py &
server=$!
trap 'kill $server' EXIT
sleep 0.5
url=http://localhost:8099/demo.bin

both curl "curl -o /tmp/demo/got $url"
both curl-hash "curl -# -o /tmp/demo/got $url"
both wget "wget -O /tmp/demo/got $url"
piped wget-bar "wget --progress=bar:force -O /tmp/demo/got $url"

both aria2c "rm -f got; aria2c -x1 --file-allocation=none --summary-interval=0 -d /tmp/demo -o got $url"

# pip: a package that is nothing but weight.
mkdir -p pack served/simple/demo-weight && cat >pack/wheel.py <<'PY'
import os, zipfile
name = "demo_weight-1.0"
with zipfile.ZipFile(f"/tmp/demo/served/simple/demo-weight/{name}-py3-none-any.whl", "w") as wheel:
    wheel.writestr("demo_weight/data.bin", os.urandom(4_000_000))
    wheel.writestr(f"{name}.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo-weight\nVersion: 1.0\n")
    wheel.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{name}.dist-info/RECORD", "")
PY
"$python" pack/wheel.py
both pip "\$PYTHON -m pip download --no-deps --index-url http://localhost:8099/simple -d /tmp/demo/wheels demo-weight; rm -rf /tmp/demo/wheels"

cat >tqdm_demo.py <<'PY'
import time
from tqdm import tqdm
for _ in tqdm(range(40), desc="Frobbing"):
    time.sleep(0.05)
PY
cat >tqdm_nested.py <<'PY'
import time
from tqdm import tqdm
for _ in tqdm(range(4), desc="outer"):
    for _ in tqdm(range(20), desc="inner", leave=False):
        time.sleep(0.03)
PY
both tqdm "\$TQDM tqdm_demo.py"
both tqdm-nested "\$TQDM tqdm_nested.py"
drawn rich "\$PYTHON -c 'import time; from pip._vendor.rich.progress import Progress
with Progress() as bars:
    a, b = bars.add_task(\"first\", total=20), bars.add_task(\"second\", total=30)
    for _ in range(30):
        time.sleep(0.05); bars.advance(a); bars.advance(b)'"

mkdir -p tests && for n in 1 2 3 4 5; do printf 'import pytest, time\n@pytest.mark.parametrize("n", range(20))\ndef test_it(n): time.sleep(0.005)\n' >tests/test_part$n.py; done
both pytest "cd tests && \$TQDM -m pytest -p no:cacheprovider"
drawn parallel "seq 20 | parallel --will-cite --bar -j2 'sleep 0.1; true {}'"
drawn uv "\$TQDM -m uv venv -q --clear /tmp/demo/uv && \$TQDM -m uv pip install --no-cache --python /tmp/demo/uv --index-url http://localhost:8099/simple demo-weight"

mkdir -p from && for n in 1 2 3 4 5 6 7 8; do head -c 400000 /dev/urandom >from/$n.bin; done
both rsync-progress2 "rm -rf to; rsync -a --bwlimit=2000 --info=progress2 from/ to/"
both rsync-files "rm -rf to; rsync -a --bwlimit=4000 --progress from/ to/"
both dd "pv -qL 300m /dev/zero | dd of=/dev/null bs=1M count=700 iflag=fullblock status=progress"
piped pv "pv -f -L 2m -s 4000000 served/demo.bin >/dev/null"
drawn pv "pv -L 2m served/demo.bin >/dev/null"
drawn pv-unknown "cat served/demo.bin | pv -L 2m >/dev/null"

mkdir -p build && {
    echo 'rule cc'
    echo '  command = sleep 0.1; cp $in $out'
    echo '  description = CC $out'
    for n in $(seq 20); do echo "build part$n.o: cc part$n.c"; touch "build/part$n.c"; done
} >build/build.ninja
both ninja "cd build && rm -f *.o .ninja_log && ninja -j2"

mkdir -p cm && {
    echo 'cmake_minimum_required(VERSION 3.10)'
    echo 'project(demo C)'
    echo 'add_library(demo STATIC'
    for n in $(seq 12); do echo "  part$n.c"; echo "int part$n(void) { return $n; }" >cm/part$n.c; done
    echo ')'
} >cm/CMakeLists.txt
neutral cmake -S cm -B cm/build >/dev/null
both cmake "cmake --build cm/build --clean-first"

mkdir -p crates/src && {
    printf '[package]\nname = "demo"\nversion = "1.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n'
    for n in $(seq 12); do
        mkdir -p crates/part$n/src
        printf '[package]\nname = "part%s"\nversion = "1.0.0"\nedition = "2021"\n' "$n" >crates/part$n/Cargo.toml
        for i in $(seq 400); do echo "#[derive(Debug, Clone, PartialEq)] pub struct S$i { pub a: u64, pub b: String }"; done >crates/part$n/src/lib.rs
        echo "part$n = { path = \"part$n\" }"
    done
} >crates/Cargo.toml
echo 'fn main() {}' >crates/src/main.rs
both cargo "rm -rf /tmp/demo/target; cd crates && cargo build -j 2"

mkdir -p js/dep && echo '{"name":"demo","version":"1.0.0"}' >js/package.json && echo '{"name":"dep","version":"1.0.0"}' >js/dep/package.json
both npm "cd js && rm -rf node_modules package-lock.json && npm install --install-links ./dep"

git init -q repo && (
    cd repo && mkdir d && for n in $(seq 1500); do echo "$n $RANDOM $RANDOM" >"d/$n"; done
    for n in 1 2 3; do head -c 300000 /dev/urandom >"blob$n"; done
    git add -A && git -c user.name=demo -c user.email=demo@example.org commit -qm demo
)
piped git-clone "rm -rf clone; git clone --progress file:///tmp/demo/repo clone"
drawn git-clone "rm -rf clone; git clone file:///tmp/demo/repo clone"

both ffmpeg "ffmpeg -hide_banner -nostdin -y -re -f lavfi -i testsrc=duration=3:rate=25 -f null -"
(cd from && zip -q ../demo.zip ./*.bin)
both unzip "rm -rf un; unzip demo.zip -d un"
piped zstd "zstd --progress -f -19 served/demo.bin -o got.zst"
drawn zstd "zstd -f -19 served/demo.bin -o got.zst"
head -c 150000000 /dev/urandom >served/large.bin
both mksquashfs "rm -f demo.sqfs; mksquashfs served demo.sqfs -processors 1"
rm -f served/large.bin
both 7z "rm -f demo.7z; 7z a -bso0 -bsp1 -mx=1 -mmt=1 demo.7z served/demo.bin from"
both mke2fs "rm -f disk; truncate -s 64G disk; mke2fs -E lazy_itable_init=0 -O ^has_journal disk; rm -f disk"
truncate -s 12G blocks
both badblocks "timeout -s INT 30 badblocks -sv blocks"
rm -f blocks
truncate -s 4G disk && mke2fs -q -F -N 400000 -E lazy_itable_init=0 disk
both e2fsck "e2fsck -fy -C 0 disk"
rm -f disk

# apt: a package that holds nothing, from a file.
mkdir -p deb/DEBIAN && printf 'Package: runcast-demo\nVersion: 1.0\nArchitecture: all\nMaintainer: demo <demo@example.org>\nDescription: demo\n' >deb/DEBIAN/control
dpkg-deb -b deb demo.deb >/dev/null
if asked apt.pipe || asked apt.pty; then
    alone="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=/tmp/demo/home"
    piped apt "apt-get $alone install -y /tmp/demo/demo.deb"
    drawn apt "apt-get $alone -o Dpkg::Progress-Fancy=1 remove -y runcast-demo"
fi
