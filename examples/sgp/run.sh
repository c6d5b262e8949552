#!/usr/bin/env bash
# Serves the local platform, pushes a dataset to it, runs a suite that reads the dataset page by page and posts its results,
# and looks at what the platform has. It needs go and curl, and leaves nothing behind.
#
# EVALRUN names the evalrun to use; without it, one is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
server=
end() {
	[ -z "$server" ] || { kill "$server" && wait "$server"; } || true
	rm -rf "$work"
}
trap end EXIT

step() { printf '\n=== %s\n' "$*"; }

evalrun=${EVALRUN:-$work/evalrun}
[ -n "${EVALRUN:-}" ] || go build -o "$evalrun" ../../cmd/evalrun

step serve the platform at a port that is free
unset SGP_API_KEY SGP_ACCOUNT_ID # those of the real one are not for this one
mkfifo "$work/said"
"$evalrun" serve --addr 127.0.0.1:0 --store "$work/platform" 2>"$work/said" &
server=$!
exec 3<"$work/said"
read -r line <&3 # it comes when the server is ready
printf '%s\n' "$line"
url=${line#* on } url=${url%% *}
export SGP_CLIENT_BASE_URL=$url

step push 2500 cases, which are three pages
for n in $(seq 2500); do
	printf '{"id": "sum-%d", "input": "%d + %d =", "expected": "%d"}\n' "$n" "$n" $((n * 7)) $((n * 8))
done >"$work/cases.jsonl"
"$evalrun" dataset push "$work/cases.jsonl" --sgp name=sums --json | tee "$work/pushed.json"
DATASET_ID=$(sed 's/.*"dataset_id":"\([^"]*\)".*/\1/' "$work/pushed.json")
export DATASET_ID # suite.yaml has it

step run the suite: the cases come page by page, the results are posted
"$evalrun" run suite.yaml --store "$work/store" -o table -o "json:$work/report.json"

step what the platform has
evaluation=$(sed -n 's/.*"evaluation_id": "\([^"]*\)".*/\1/p' "$work/report.json")
curl -fsS "$url/v4/evaluations/$evaluation"
printf '\n'
curl -fsS "$url/v4/evaluations/$evaluation/test-case-results?limit=1"
printf '\n'

step ask it once more whether it has each result once
"$evalrun" publish --store "$work/store"
