#!/usr/bin/env bash
# For `dateline test --fault-hook examples/fis.sh`: AWS Fault Injection Service breaks a region, and heals it.
#
# Called as `fis.sh begin REGION` and `fis.sh end REGION`. FIS_TEMPLATE_us_east_1=EXT... names the experiment template of each region that may be broken;
# its own duration must be longer than a fault lasts (10 s at most), since it is stopped here. Needs the aws CLI, fis:StartExperiment, fis:GetExperiment
# and fis:StopExperiment.
set -euo pipefail
phase=$1 region=$2
template="FIS_TEMPLATE_${region//-/_}"
[[ -n ${!template:-} ]] || { echo "$template is not set: no experiment for $region" >&2; exit 1; }
# Which experiment is under way, between begin and end.
mark="${TMPDIR:-/tmp}/dateline-fis-$DATELINE_PID-$region"

state() {
    aws fis get-experiment --region "$region" --id "$1" --query experiment.state.status --output text
}

# wait_for ID STATE...: returns when the experiment is in one of these states.
wait_for() {
    local id=$1 now
    shift
    for _ in {1..50}; do
        now=$(state "$id")
        for wanted in "$@"; do [[ $now == "$wanted" ]] && return; done
        [[ $now != failed ]] || break
        sleep 2
    done
    echo "the experiment $id is $now, not $*" >&2
    return 1
}

case $phase in
begin)
    id=$(aws fis start-experiment --region "$region" --experiment-template-id "${!template}" --query experiment.id --output text)
    echo "$id" >"$mark"
    wait_for "$id" running
    ;;
end)
    # Nothing was begun, or it has been ended.
    [[ -f $mark ]] || exit 0
    id=$(<"$mark")
    case $(state "$id") in
    pending | initiating | running) aws fis stop-experiment --region "$region" --id "$id" >/dev/null ;;
    esac
    wait_for "$id" stopped completed cancelled failed
    rm "$mark"
    ;;
*)
    echo "begin or end, not $phase" >&2
    exit 1
    ;;
esac
