# shellcheck shell=bash
# Functions that the scripts of this folder share; each sources this file from the project's folder.

# Prints the comment at the head of the script: what it does and how it is called.
show_help() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "scripts/${0##*/}"
}

usage_error() {
  echo "$0: $1; $0 --help shows the options" >&2
  exit 2
}

# True on the systems whose packages the program is built with, and on newer ones. Reads the description that os-release(5)
# defines, from another file for the tests.
is_supported_system() {
  # shellcheck disable=SC1090
  . "$1"
  case "${ID:-}" in
    debian) [ "${VERSION_ID:-99}" -ge 12 ] ;;  # testing and unstable have no number
    ubuntu) [ "${VERSION_ID%%.*}" -ge 24 ] ;;
    *) [[ "${UBUNTU_CODENAME:-${DEBIAN_CODENAME:-${VERSION_CODENAME:-}}}" =~ ^(bookworm|trixie|noble)$ ]] ;;
  esac
}

# Ends the script with one message on a system that is too old or not known, before anything is installed.
check_system() {
  local file=${STREAMDIFFUSION_OS_RELEASE:-/etc/os-release} name
  if [ -n "${STREAMDIFFUSION_ANY_SYSTEM:-}" ] || { [ -r "$file" ] && (is_supported_system "$file") 2>/dev/null; }; then
    return
  fi
  # shellcheck disable=SC1090
  name=$( (. "$file" && echo "${PRETTY_NAME:-}") 2>/dev/null || true)
  cat >&2 <<END
$0: this is ${name:-a system without a name}. The program needs libraries as new as those of Debian 12 or Ubuntu 24.04.
To try it all the same: $0 --any-system
END
  exit 1
}

# 90 -> "2 min", 45 -> "45 s".
duration() {
  if [ "$1" -ge 90 ]; then
    echo "$((($1 + 30) / 60)) min"
  else
    echo "$1 s"
  fi
}

# begin_steps NUMBER LOG: the script has that many steps, whose output goes to the file LOG.
begin_steps() {
  steps=$1 step=0 log=$2
  mkdir -p "$(dirname "$log")"
  : >"$log"
}

# Names the step that begins, with a remark about it if there is one.
begin_step() {
  step=$((step + 1))
  echo "$step/$steps $1${2:+ ($2)}"
  printf '\n== %s\n' "$1" >>"$log"
}

# Shows how far a step is: on a terminal in one line that changes, elsewhere in a line for every tenth.
show_progress() {
  local percent=$1 remark=$2
  if [ -t 1 ]; then
    printf '\r\033[K    %d%%%s' "$percent" "${remark:+, $remark}"
  elif [ $((percent / 10)) -ne "${shown_tenth:-0}" ]; then
    shown_tenth=$((percent / 10))
    printf '    %d%%%s\n' "$percent" "${remark:+, $remark}"
  fi
}

end_progress() {
  [ ! -t 1 ] || printf '\r\033[K'
}

# Runs a command whose output is wanted only where it fails.
run_logged() {
  "$@" >>"$log" 2>&1 || step_failed "$1"
}

# Prints what the log says about the failure and ends the script.
step_failed() {
  local errors
  errors=$(grep -nE -m 1 '^FAILED:|^CMake Error|: error: ' "$log" | cut -d: -f1 || true)
  if [ -n "$errors" ]; then
    sed -n "$errors,$((errors + 30))p" "$log" >&2
  else
    tail -n 30 "$log" >&2
  fi
  echo "$0: $1 failed; its whole output is in $log" >&2
  exit 1
}

configure_build() {
  local folder=$1
  shift
  run_logged cmake -S . -B "$folder" -G Ninja --log-level=WARNING "$@"
}

# Builds the targets of a build folder and shows how far it is and how long it still takes.
build_targets() {
  local folder=$1
  shift
  NINJA_STATUS='[%f/%t %e] ' cmake --build "$folder" --parallel "$(nproc)" --target "$@" 2>&1 | show_build ||
    step_failed "the build"
}

# Reads Ninja's lines, each of which begins with the numbers of finished and of all commands and the seconds that passed.
show_build() {
  local line finished all seconds percent
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$log"
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\ ([0-9]+) ]] || continue
    finished=${BASH_REMATCH[1]} all=${BASH_REMATCH[2]} seconds=${BASH_REMATCH[3]}
    percent=$((100 * finished / all))
    if [ "$finished" -eq 0 ] || [ "$seconds" -lt 10 ]; then
      show_progress "$percent" ""
    else
      show_progress "$percent" "about $(duration $((seconds * (all - finished) / finished))) left"
    fi
  done
  end_progress
}
