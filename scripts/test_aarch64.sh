#!/usr/bin/env bash
# Cross-compiles the extension for aarch64 and runs tests on it in an emulator, on an x86-64 Debian (12 or later) or
# Ubuntu (24.04 or later). Writes to its folder alone; a second run reuses what is there.
#
#   scripts/test_aarch64.sh [FOLDER] [ARGUMENTS OF PYTEST]        default: build/aarch64 -x -q KERNEL TESTS
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=build/aarch64
if [[ ${1:--} != -* ]]; then
  work=$1
  shift
fi
(($#)) || set -- -x -q tests/kernels/test_{simd_math,activations,dense,losses,updates,random,reductions}.py

need() { "${@:2}" >/dev/null 2>&1 || { echo "$1 is missing: apt-get install $1" >&2; exit 1; }; }
need g++-aarch64-linux-gnu aarch64-linux-gnu-g++ --version
need qemu-user qemu-aarch64 --version
need python3-venv python3 -c "import ensurepip"

mkdir -p "$work"
work=$(realpath "$work")
apt=$work/apt root=$work/root site=$work/site tools=$work/venv/bin python=$work/python

# The distribution's Python for aarch64 with its libraries and headers, unpacked into $root by an apt that keeps its lists in
# $apt and believes that nothing is installed.
unpack_python() {
  local source id codename
  id=$(. /etc/os-release && echo "$ID")
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  source=http://deb.debian.org/debian
  [[ $id != ubuntu ]] || source=http://ports.ubuntu.com/ubuntu-ports
  local options=(-qq -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt"
    -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o APT::Architecture=arm64 -o APT::Architectures=arm64)
  mkdir -p "$apt"/{lists,archives}/partial "$root/usr/lib"
  ln -s usr/lib "$root/lib"
  touch "$apt/status"
  echo "deb [signed-by=/usr/share/keyrings/$id-archive-keyring.gpg] $source $codename main" >"$apt/sources.list"
  apt-get "${options[@]}" update
  apt-get "${options[@]}" install --download-only --no-install-recommends python3 libpython3-dev libgomp1 libstdc++6
  for package in "$apt"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --keep-directory-symlink
  done
}

if [[ ! -x $python ]]; then # it is made last
  rm -rf "$apt" "$root" "$site" "$work/build"
  unpack_python
  version=$(readlink "$root/usr/bin/python3") # python3.11
  python3 -m venv --clear "$work/venv"
  "$tools/pip" install -q cmake ninja pybind11
  "$tools/pip" install -q --target "$site" --only-binary=:all: --python-version "${version#python}" \
    --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 numpy pytest hypothesis cloudpickle safetensors tqdm
  # A processor without SME: with it, the flags of floating-point errors that NumPy looks at are wrong. Python takes this
  # file (-0) for itself, so that it starts other processes as it was started.
  cat >"$python" <<END
#!/bin/sh
export PYTHONHOME="$root/usr" PYTHONNOUSERSITE=1 PYTHONPATH="$site\${PYTHONPATH:+:\$PYTHONPATH}"
exec qemu-aarch64 -cpu cortex-a72 -0 "$python" -L "$root" "$root/usr/bin/python3" "\$@"
END
  chmod +x "$python"
fi

"$tools/cmake" -S . -B "$work/build" -G Ninja -DCMAKE_MAKE_PROGRAM="$tools/ninja" -DCMAKE_SYSTEM_NAME=Linux \
  -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_CXX_FLAGS="-idirafter $root/usr/include" \
  -DPython_EXECUTABLE="$python" -DPython_INCLUDE_DIR="$root/usr/include/$(readlink "$root/usr/bin/python3")" \
  -Dpybind11_DIR="$("$tools/python" -m pybind11 --cmakedir)"
"$tools/cmake" --build "$work/build"
rm -rf "$site/fastopt"
cp -r python/fastopt "$site"
"$tools/cmake" --install "$work/build" --prefix "$site"
"$python" -m pytest -o cache_dir="$work/pytest_cache" "$@"
