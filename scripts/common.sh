# shellcheck shell=bash
# Functions that the scripts of this folder share. Each script sources this file with the project's folder as the current one.

# Prints the comment at the head of the script, which is its help.
show_help() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "scripts/${0##*/}"
}

usage_error() {
  echo "$0: $1; $0 --help shows the options" >&2
  exit 2
}

# True on systems whose packages are new enough for the program. $1 is a file in the format of os-release(5).
is_supported_system() {
  # shellcheck disable=SC1090
  . "$1"
  case "${ID:-}" in
    debian) [ "${VERSION_ID:-99}" -ge 12 ] ;;  # Testing and unstable have no number.
    ubuntu) [ "${VERSION_ID%%.*}" -ge 24 ] ;;
    *) [[ "${UBUNTU_CODENAME:-${DEBIAN_CODENAME:-${VERSION_CODENAME:-}}}" =~ ^(bookworm|trixie|noble)$ ]] ;;
  esac
}

# Ends the script with a message on a system that is too old or unknown. Call it before anything is installed.
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

# Prints a number of seconds as "45 s" or, from 90 on, as "2 min".
duration() {
  if [ "$1" -ge 90 ]; then
    echo "$((($1 + 30) / 60)) min"
  else
    echo "$1 s"
  fi
}

# begin_steps NUMBER LOG: sets the number of the script's steps and the log file for their output.
begin_steps() {
  steps=$1 step=0 log=$2
  mkdir -p "$(dirname "$log")"
  : >"$log"
}

# begin_step NAME [REMARK]: begins the next step and prints its name.
begin_step() {
  step=$((step + 1))
  echo "$step/$steps $1${2:+ ($2)}"
  printf '\n== %s\n' "$1" >>"$log"
}

# show_progress PERCENT REMARK: on a terminal redraws one line, elsewhere prints a line for each 10%.
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

# Runs a command with its output in the log, which is printed only if the command fails.
run_logged() {
  "$@" >>"$log" 2>&1 || step_failed "$1"
}

# Prints the failure's part of the log and ends the script. $1 names the failed command.
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

# build_targets FOLDER TARGET...: builds targets and shows the progress and the remaining time.
build_targets() {
  local folder=$1
  shift
  NINJA_STATUS='[%f/%t %e] ' cmake --build "$folder" --parallel "$(nproc)" --target "$@" 2>&1 | show_build ||
    step_failed "the build"
}

# Shows progress from Ninja's output. Each line begins with the numbers of finished and all commands and the seconds passed.
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
