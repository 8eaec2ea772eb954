#!/usr/bin/env bash
# The check of action.yml: annotations to the log, SARIF to a file, and the exit code of `replicas check`.
set -euo pipefail

arguments=(--format github --sarif "$SARIF")
[[ -z "$REGION" ]] || arguments+=(--region "$REGION")
for switch in PRACTICE ALLOW_UNJUDGED; do
  case "${!switch}" in
    true) option="${switch,,}"; arguments+=("--${option//_/-}") ;;
    false) ;;
    *) echo "::error::${switch,,}: true or false, not what was given"; exit 2 ;;
  esac
done
while IFS= read -r file; do
  [[ -z "${file//[[:space:]]/}" ]] || files+=("$file")
done <<< "$FILES"
if [[ -z "${files+given}" ]]; then
  echo '::error::files is empty: a template, a plan or a folder a line'
  exit 2
fi

rm -f -- "$SARIF"
code=0
replicas check "${arguments[@]}" -- "${files[@]}" || code=$?
if [[ -f "$SARIF" ]]; then
  printf 'sarif=%s\n' "${SARIF//$'\n'/}" >> "$GITHUB_OUTPUT"
fi
exit "$code"
