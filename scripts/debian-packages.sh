# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# debian-packages.sh: packages of Debian's newest suites, downloaded and unpacked into a folder. For scripts that source
# it; the command carries it in front of subjects/ggml/debian.sh. Nothing is installed and the machine's apt stays as it
# was: configuration and package lists are the folder's own.
#
# Whoever sources it has cannot MESSAGE, which does not return.

# debian_open FOLDER WHY [SUITE...]: makes the functions below ready, for packages of these suites (the two newest where
# none is named). WHY ("no ROCm here, and ") begins what is said when a tool is missing.
debian_open() {
    debian=$1
    why=$2
    shift 2
    [ $# -gt 0 ] || set -- experimental unstable
    for tool in apt-get apt-cache dpkg; do
        command -v $tool >/dev/null 2>&1 || cannot "${why}no $tool to fetch packages with"
    done
    # The mirror that this machine's own apt uses for Debian, and the keys it trusts.
    mirror=$(cat /dev/null /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
        2>/dev/null |
        awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:\/\//) { print $i; break } }
             $1 == "URIs:" { for (i = 2; i <= NF; i++) print $i }' |
        grep -E '/debian/?$' | head -n 1) || :
    [ -n "$mirror" ] || cannot "the machine's apt sources name no Debian mirror"
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -r $keys ] || cannot "$keys is missing (package debian-archive-keyring)"

    mkdir -p "$debian/lists/partial" "$debian/cache/archives/partial" "$debian/debs"
    for suite; do
        echo "deb [signed-by=$keys] $mirror $suite main"
    done >"$debian/sources.list"
    debian_apt apt-get update >"$debian/update.log" 2>&1 ||
        cannot "the package lists of Debian $* cannot be read" \
            "($(tail -n 1 "$debian/update.log"))"
}

debian_apt() { # apt-get|apt-cache ARGUMENT...
    tool=$1
    shift
    "$tool" -qq -o Dir::Etc::sourcelist="$debian/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$debian/lists" -o Dir::Cache="$debian/cache" -o Acquire::Languages=none \
        -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any "$@"
}

# debian_versions PACKAGE: newest first
debian_versions() {
    debian_apt apt-cache madison "$1" | awk -F'|' '{ gsub(/ /, "", $2); print $2 }' | sort -u >"$debian/versions"
    # dpkg knows the order of Debian versions; few lines, so the simplest sort will do.
    while [ -s "$debian/versions" ]; do
        best=
        while read -r v; do
            if [ -z "$best" ] || dpkg --compare-versions "$v" gt "$best"; then best=$v; fi
        done <"$debian/versions"
        echo "$best"
        grep -vxF "$best" "$debian/versions" >"$debian/versions.rest" || :
        mv "$debian/versions.rest" "$debian/versions"
    done
}

# debian_fetch PACKAGE VERSION ROOT: downloads and unpacks it; what was downloaded stays in debs. Not zero, with the
# reason at the end of download.log, when it cannot be had.
debian_fetch() {
    file=$debian/debs/$1_$2.deb
    if [ ! -s "$file" ]; then
        (cd "$debian/cache" && rm -f ./*.deb && debian_apt apt-get download "$1=$2" >"$debian/download.log" 2>&1 &&
            mv ./*.deb "$file") || return 1
    fi
    dpkg -x "$file" "$3" >>"$debian/download.log" 2>&1
}
