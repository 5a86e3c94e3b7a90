# Sourced by the scripts beside it. Gives: $root, the repository's folder, as the working
# folder; $python, the Python of its virtual environment; and the functions below.
#
# The environment is made in .venv from requirements.lock, and made again only when a lock, what
# builds the package or the folder's place changes: .venv/stamp tells.
# shellcheck shell=bash
set -euo pipefail

caller_folder=$PWD
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd -- "$root"
python=$root/.venv/bin/python

say() { printf '%s\n' "$*" >&2; }

stop() {
    say "$@"
    exit 1
}

# apt_install PACKAGE...: installs Debian packages, or says exactly what to install.
apt_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends)
    if ! command -v apt-get >/dev/null; then
        stop "Please install what Debian calls: $*"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            stop "Please run:  sudo apt-get update && sudo apt-get install $*" \
                "then start this again. (It installs them itself where it is root or may sudo.)"
        fi
        apt=(sudo -n "${apt[@]}")
    fi
    say "Installing Debian packages: $*"
    # The lists of a fresh machine are empty, and those of an old one name what is gone.
    "${apt[@]}" install "$@" >/dev/null 2>&1 && return
    "${apt[@]}" update >&2 || say "apt-get update failed; trying with the lists at hand"
    "${apt[@]}" install "$@" >&2 || stop "apt-get could not install: $*. See its words above."
}

# find_python: prints the first Python that Holdwatch runs on.
find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && "$name" -c \
            'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    stop "Holdwatch needs Python 3.11, 3.12 or 3.13, and this machine has" \
        "$(python3 --version 2>/dev/null || printf 'no python3')." \
        "Debian 12 and 13 and their Raspberry Pi OS have a right one: apt-get install python3 python3-venv"
}

make_environment() {
    local system machine
    machine=$(uname -m)
    case $machine in
        x86_64 | aarch64 | arm64) ;;
        *) stop "Holdwatch needs a 64-bit system (x86-64 or Arm); this one is $machine." \
            "On a Raspberry Pi 3 or later install the 64-bit Raspberry Pi OS." ;;
    esac
    if ! "$python" -c 'import pip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        2>/dev/null; then
        system=$(find_python)
        "$system" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
        say "Making .venv with $("$system" --version)"
        "$system" -m venv --clear "$root/.venv"
    fi
    say "Installing what requirements.lock names into .venv"
    # Only ready-made wheels: to compile numpy on a Raspberry Pi takes an hour, then fails.
    "$python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        --only-binary :all: --requirement requirements.lock
    # The build needs an npm, to fetch the page's browser parts. Where there is none, pip builds
    # apart from .venv and fetches one for that time.
    local apart=()
    if command -v npm >/dev/null; then
        apart=(--no-build-isolation)
    fi
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps "${apart[@]}" \
        --editable .
}

# need_environment: makes .venv what the lock says. Quick when it is.
need_environment() {
    local wanted
    wanted="$root $(sha256sum requirements.lock pyproject.toml scripts/browser_parts.py \
        gateway/web/browser/package-lock.json | sha256sum)"
    if [ -x "$python" ] && [ "$(cat .venv/stamp 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    (
        flock 9 # two scripts started at once: one makes it, the other waits
        [ "$(cat .venv/stamp 2>/dev/null)" = "$wanted" ] && [ -x "$python" ] && exit
        rm -f .venv/stamp
        make_environment
        printf '%s\n' "$wanted" >.venv/stamp
    ) 9<requirements.lock
}

# need_programs: the real broker, its clients, two servers that take what InfluxDB takes, an ACME
# server with a client, strace, faketime, and a provider of OpenID Connect, which tests and
# benchmarks start themselves on ports of their own. What Debian runs of them as a service is left
# alone.
need_programs() {
    local missing=()
    # Debian keeps mosquitto in a folder that is not on everybody's path.
    PATH=$PATH:/usr/sbin:/usr/local/sbin
    command -v mosquitto >/dev/null || missing+=(mosquitto)
    command -v mosquitto_sub >/dev/null || missing+=(mosquitto-clients)
    command -v openssl >/dev/null || missing+=(openssl)
    command -v strace >/dev/null || missing+=(strace)
    command -v faketime >/dev/null || missing+=(faketime)
    command -v influxd >/dev/null || missing+=(influxdb)
    command -v systemd-analyze >/dev/null || missing+=(systemd)
    command -v victoria-metrics >/dev/null || missing+=(victoria-metrics)
    command -v promtool >/dev/null || missing+=(prometheus) # tries the rules in deploy/prometheus
    command -v pebble >/dev/null || missing+=(pebble)
    command -v acme-tiny >/dev/null || missing+=(acme-tiny)
    if [ ${#missing[@]} -gt 0 ]; then
        apt_install "${missing[@]}"
    fi
    need_provider
}

# need_provider: the provider of OpenID Connect that tests sign in at, by its lock. Without an npm
# those tests are left out, and say so.
need_provider() {
    local lock=tests/gateway/oidc/node folder=.venv/oidc-provider
    command -v npm >/dev/null || return 0
    cmp -s "$lock/package-lock.json" "$folder/package-lock.json" && return
    say "Fetching the provider of OpenID Connect for tests"
    rm -rf "$folder"
    mkdir -p "$folder.new"
    cp "$lock/package.json" "$lock/package-lock.json" "$folder.new"
    npm ci --prefix "$folder.new" --ignore-scripts --no-audit --no-fund >&2
    mv "$folder.new" "$folder"
}

# need_browser: a browser for the tests that look at the page.
need_browser() {
    if ! command -v chromium >/dev/null; then
        apt_install chromium
    fi
}
