#!/bin/sh
# Installs the system programs that tests/system needs, with apt, and says plainly what it cannot install.
# Each line below: the program, and the Debian package that brings it.
set -u
programs='
chromium chromium
pgbouncer pgbouncer
promtool prometheus
npm npm
'
echo "$programs" | while read -r program package; do
    [ -z "$program" ] && continue
    command -v "$program" >/dev/null && continue
    echo "installing $package with apt-get"
    if ! { apt-get install --yes --quiet --no-install-recommends "$package" >/dev/null 2>&1 ||
           { apt-get update --quiet >/dev/null 2>&1 &&
             apt-get install --yes --quiet --no-install-recommends "$package" >/dev/null; }; }; then
        echo "cannot install $package here: what needs $program is skipped"
    fi
done
