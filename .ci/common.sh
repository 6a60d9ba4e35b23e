# What .ci/run and .ci/full share; source it.
# Each works on a copy of the tree in new virtual environments, so that nothing on the machine decides what passes.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# the running shops of `tests_on_shop`; no other test may know of them
shop=()
medusa=()
for name in $(compgen -e | grep '^BRIDGE_TEST_WOOCOMMERCE_'); do shop+=("$name=${!name}"); done
for name in $(compgen -e | grep '^BRIDGE_TEST_MEDUSA_'); do medusa+=("$name=${!name}"); done
unset $(compgen -e | grep -E '^(BRIDGE_|PYTHON.|PYTEST_|HYPOTHESIS_|PROMETHEUS_|VIRTUAL_ENV)')

PYTHON=${PYTHON:-python3}
# a quarter of the tests' time is spent waiting for servers and processes
export PYTEST_XDIST_AUTO_NUM_WORKERS=$(($(nproc) * 3 / 2))
QUICK="not service and not long and not full"
# what may come out differently on another database
DATABASE_TESTS=(
    tests/store tests/sync tests/cli/test_{actions,feeds,orders,outbox}.py
    tests/ops/test_{doctor,monitoring,retention,two_hosts}.py tests/ops/notifications/test_hosts.py tests/cli/test_pause.py
    tests/protocol/test_{envelope,isolation,oauth,secrets}.py tests/protocol/endpoints
)

scratch=$(mktemp -d)
chmod 755 "$scratch"  # commands that root runs act as the service's user, who must be able to read the installation
cluster=$(mktemp -d)
failed=()
skipped=()
pg_ctl=

# -- steps -------------------------------------------------------------------------------------------------

# Run a command under a name, and remember the name if it fails.
step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if "$@"; then
        echo "-- $name passed after $((SECONDS - began)) s"
    else
        echo "-- $name FAILED after $((SECONDS - began)) s"
        failed+=("$name")
        return 1
    fi
}

# Say that a step was not run and why.
skip() {
    printf '\n== %s\n-- %s SKIPPED: %s\n' "$1" "$1" "$2"
    skipped+=("$1: $2")
}

# Clean up and say what failed and what was skipped; the exit status is 1 if anything failed.
finish() {
    local status=$?
    stop_medusa
    stop_server
    rm -rf "$scratch" "$cluster"
    if [ ${#skipped[@]} != 0 ]; then
        printf '\nSKIPPED:\n'
        printf '  %s\n' "${skipped[@]}"
    fi
    if [ ${#failed[@]} != 0 ]; then
        printf '\nFAILED after %s s:\n' "$SECONDS"
        printf '  %s\n' "${failed[@]}"
        status=1
    elif [ $status = 0 ]; then
        printf '\nEverything passed after %s s.\n' "$SECONDS"
    fi
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

# -- installation ------------------------------------------------------------------------------------------

# Copy what git knows and does not ignore, because an old build folder would be installed with the rest.
copy_tree() {
    mkdir "$scratch/source" &&
        git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
        tar --create --null --ignore-failed-read --files-from=- 2>/dev/null | tar --extract --directory="$scratch/source" &&
        cd "$scratch/source"
}

# install NAME EXTRAS [OPTION...]: install this tree with pip in a virtual environment, new if it is not there yet.
install() {
    local name=$1 extras=$2 log=$scratch/pip-$1.log
    shift 2
    {
        [ -e "$scratch/$name" ] || "$PYTHON" -m venv "$scratch/$name"
    } && "$scratch/$name/bin/pip" install --quiet --disable-pip-version-check "$@" ".[$extras]" >"$log" 2>&1 ||
        { cat "$log"; return 1; }
    rm -rf build
}

# in_venv NAME COMMAND...: run a command of a virtual environment.
in_venv() {
    local name=$1
    shift
    PATH="$scratch/$name/bin:$PATH" "$@"
}

# -- PostgreSQL --------------------------------------------------------------------------------------------

# PostgreSQL refuses to run as root.
unprivileged() (
    cd "$cluster"
    if [ "$(id -u)" = 0 ]; then runuser -u nobody -- "$@"; else "$@"; fi
)

find_postgres() {
    ls /usr/lib/postgresql/*/bin/pg_ctl 2>/dev/null | sort -V | tail -n 1 | grep . || command -v pg_ctl
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_postgres() {
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get -qq update &&
        as_root apt-get -qq install --no-install-recommends postgresql-common &&
        # the package would start a server of its own
        as_root sed -i 's/^#* *create_main_cluster.*/create_main_cluster = false/' \
            /etc/postgresql-common/createcluster.conf &&
        as_root apt-get -qq install --no-install-recommends postgresql
}

start_server() {
    local port options
    find_postgres >/dev/null || install_postgres >"$scratch/apt.log" 2>&1 || { cat "$scratch/apt.log"; return 1; }
    pg_ctl=$(find_postgres)
    port=$(in_venv test python -c 'from bridge.ops.temporary_server import free_port; print(free_port())') || return 1
    options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories= -c max_connections=200"
    options+=" -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
    [ "$(id -u)" != 0 ] || chown nobody "$cluster"
    unprivileged "$(dirname "$pg_ctl")/initdb" -D data -U tests -A trust -E UTF8 --locale=C -N >/dev/null || return 1
    unprivileged "$pg_ctl" -D data -l log -w -o "$options" start >/dev/null || { cat "$cluster/log"; return 1; }
    server="postgresql://tests@127.0.0.1:$port/postgres"
}

stop_server() {
    [ ! -e "$cluster/data/postmaster.pid" ] || unprivileged "$pg_ctl" -D data -m immediate stop >/dev/null
}

# -- the parts ---------------------------------------------------------------------------------------------

# tests NAME [ARGUMENT...]: pytest in a virtual environment, on SQLite. A test that hangs ends the step.
tests() {
    local name=$1
    shift
    in_venv "$name" timeout --kill-after=30 25m pytest -p no:cacheprovider "$@"
}

tests_on_postgres() {
    BRIDGE_TEST_DATABASE_URL=$server tests test "$@"
}

# tests_on_shop CHANNEL NAME=VALUE...: a channel's suites on a shop that runs, whose address and key are these.
tests_on_shop() (
    local channel=$1
    shift
    export "$@"
    tests test -n 0 -m full -k running "tests/channels/$channel/test_contract.py"
)

# Start a Medusa from the npm registry, unless one was named; the status is 77 if it cannot be had here.
start_medusa() {
    [ ${#medusa[@]} = 0 ] || return 0
    "$PYTHON" tests/channels/medusa/running start "$scratch/medusa" >"$scratch/medusa.env" 2>"$scratch/medusa.log" ||
        return
    mapfile -t medusa <"$scratch/medusa.env"
}

stop_medusa() {
    [ ! -e "$scratch/medusa" ] || "$PYTHON" "$scratch/source/tests/channels/medusa/running" stop "$scratch/medusa"
}

# Linnworks, played against a bridge that is connected to the running Medusa, with writes.
check_medusa() (
    export "${medusa[@]}"
    printf 'store_url=%s\napi_key=%s\n' "$BRIDGE_TEST_MEDUSA_URL" "$BRIDGE_TEST_MEDUSA_KEY" >"$scratch/answers.env"
    cd "$scratch" && BRIDGE_CHANNEL=medusa BRIDGE_ALLOW_PRIVATE_SHOPS=true \
        in_venv test linnworks-bridge check --config-file answers.env
)

# The suites and the check on a running Medusa; a step is skipped only where none can be had.
steps_on_medusa() {
    start_medusa
    case $? in
        0)
            step "suites on a running Medusa" tests_on_shop medusa "${medusa[@]}"
            step "check of a running Medusa" check_medusa
            ;;
        77) skip "suites on a running Medusa" "$(cat "$scratch/medusa.log")" ;;
        *) step "start Medusa" show_and_fail "$scratch/medusa.log" ;;
    esac
    stop_medusa
}

show_and_fail() {
    cat "$1"
    return 1
}

# What was installed works without the source.
check_installed() (
    cd "$scratch" && in_venv test linnworks-bridge check --html check.html
)

# What is released works in an empty environment, and its page has no link into the repository that is relative.
check_release() (
    { [ -e .git ] || git init --quiet .; } && # the release has what git knows
        "$PYTHON" -m venv "$scratch/release" &&
        "$scratch/release/bin/pip" install --quiet --disable-pip-version-check 'build >= 1.2' &&
        "$scratch/release/bin/python" packaging/release.py https://example.com/bridge >"$scratch/release.log" 2>&1 ||
        { cat "$scratch/release.log"; return 1; }
    tail -n 8 "$scratch/release.log"
    "$PYTHON" -m venv "$scratch/empty" &&
        "$scratch/empty/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl &&
        "$PYTHON" -m zipfile -e dist/*.whl "$scratch/wheel" && cd "$scratch" &&
        ! grep -nE '\]\((docs/|[A-Z]+\.md)' wheel/*.dist-info/METADATA &&
        "$scratch/empty/bin/linnworks-bridge" check
)

# The OpenAPI description is what the service really takes and answers.
fuzz_api() {
    "$PYTHON" -m venv "$scratch/schemathesis" &&
        "$scratch/schemathesis/bin/pip" install --quiet --disable-pip-version-check 'schemathesis >= 4.0, < 5' &&
        in_venv test timeout 5m python .ci/fuzz_api.py "$scratch/schemathesis/bin/schemathesis"
}

# Fail for known vulnerabilities of what is installed; say so if that cannot be found out here.
audit() {
    local log=$scratch/audit.log
    "$PYTHON" -m venv "$scratch/audit" &&
        "$scratch/audit/bin/pip" install --quiet --disable-pip-version-check 'pip-audit >= 2.7, < 3' >"$log" 2>&1 ||
        { echo "NOT AUDITED: pip-audit cannot be installed here"; return 0; }
    in_venv test pip freeze --exclude linnworks-bridge >"$scratch/installed.txt" || return 1
    if timeout 5m "$scratch/audit/bin/pip-audit" --progress-spinner off --disable-pip --no-deps \
        --requirement "$scratch/installed.txt" >"$log" 2>&1; then
        ! grep -q "could not be audited" "$log" ||
            echo "NOT AUDITED: $(grep -c "could not be audited" "$log") of $(wc -l <"$scratch/installed.txt") packages"
    elif grep -q "known vulnerabilit" "$log"; then
        cat "$log"
        return 1
    else
        tail -n 3 "$log"
        echo "NOT AUDITED: the data on vulnerabilities cannot be had here"
    fi
}

# The alerts fire when they should. Debian's promtool is unpacked here, as installing it would start a server.
test_alerts() {
    local promtool
    promtool=$(command -v promtool) || {
        promtool=$scratch/prometheus/usr/bin/promtool
        {
            cd "$scratch"
            apt-get -qq download prometheus || { as_root apt-get -qq update && apt-get -qq download prometheus; } &&
                dpkg -x prometheus_*.deb prometheus
            cd "$scratch/source"
        } >"$scratch/promtool.log" 2>&1
        [ -x "$promtool" ] || {
            cat "$scratch/promtool.log"
            echo "NOT TESTED: promtool of Debian's package prometheus cannot be had here"
            return 0
        }
    }
    "$promtool" check rules packaging/alerts.yml && "$promtool" test rules packaging/alerts.test.yml
}

# The console in a headless Chromium: Playwright's, or else the machine's. Say so if neither can be had here.
test_console() {
    local chromium='' log=$scratch/browser.log
    "$scratch/test/bin/pip" install --quiet --disable-pip-version-check \
        'playwright >= 1.45, < 2' 'axe-playwright-python >= 0.1.4, < 1' >"$log" 2>&1 ||
        { echo "NOT TESTED: Playwright and axe cannot be installed here"; return 0; }
    in_venv test timeout 5m playwright install chromium-headless-shell >"$log" 2>&1 &&
        { as_root "$scratch/test/bin/playwright" install-deps chromium-headless-shell >>"$log" 2>&1 || true; } ||
        chromium=$(find_chromium) ||
        { install_chromium >>"$log" 2>&1 && chromium=$(find_chromium); } ||
        { tail -n 5 "$log"; echo "NOT TESTED: no Chromium can be had here"; return 0; }
    BRIDGE_TEST_CHROMIUM=$chromium tests test -n 0 -m full tests/ops/console/test_browser.py
}

install_chromium() {
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get -qq update && as_root timeout 10m apt-get -qq install --no-install-recommends chromium
}

find_chromium() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

bench() {
    BRIDGE_TEST_DATABASE_URL=$server in_venv test python -m bench --gate "$@"
}

# Install as the README says and lint; the lowest versions are installed meanwhile, because nothing here is measured.
prepare() {
    local lowest
    step "copy" copy_tree || exit
    step "install" install test test || exit
    step "format" in_venv test ruff format --check .
    step "lint" in_venv test ruff check .
    install lowest test -c constraints-lowest.txt >"$scratch/lowest.log" &
    lowest=$!
    step "types" in_venv test mypy
    step "install the lowest versions" wait "$lowest" || cat "$scratch/lowest.log"
}

# Add what PostgreSQL and the bench need, once the tests have passed without.
prepare_postgres() {
    install test test,postgres,bench && start_server
}
