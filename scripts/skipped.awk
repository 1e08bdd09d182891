# How many tests were skipped, and in what words. Used by scripts/test; reads what ctest printed last and then its log of the
# run (Testing/Temporary/LastTest.log). GoogleTest and unittest say why in words of their own, and for ctest a unittest that
# skipped has passed; any other test is skipped by its status or by what it printed, and then a line of that is the reason.
function count(reason) {
  sub(/^no [^ ]+ in /, "no test vectors in ", reason)
  if (!times[reason]++) kinds[++n] = reason
  total++
  has_reason = 1
}
function end_of_test() {
  if ((name in skipped_by_ctest) && !has_reason) count(said == "" ? name " says nothing" : said)
  has_reason = 0
  said = ""
  lines = 0
}
FILENAME == ARGV[1] {
  if (/\(Skipped\)$/) skipped_by_ctest[$3]
  next
}
/^[0-9]+\/[0-9]+ Testing: / {
  end_of_test()
  name = $NF
}
/^Output:$/ { is_output = 1; next }
/^<end of output>$/ { is_output = 0 }
is_output && !/^-+$/ { printed[++lines] = said = $0 }
was_skipped { count($0); was_skipped = 0; next }
/^[^ ]+:[0-9]+: Skipped$/ { was_skipped = 1; next }
match($0, /\.\.\. skipped ./) { count(substr($0, RSTART + RLENGTH, length($0) - RSTART - RLENGTH)) }
/^Skip regular expression found in output\. Regex=\[.*\]$/ && !has_reason {
  pattern = substr($0, index($0, "[") + 1, length($0) - index($0, "[") - 1)
  for (i = lines; i > 0; i--) if (printed[i] ~ pattern) said = printed[i]
  sub(/^C\+\+ exception with description "/, "", said)
  sub(/" thrown in the test body\.$/, "", said)
}
END {
  end_of_test()
  printf "skipped: %d", total
  for (i = 1; i <= n; i++) printf "%s%d: %s", i == 1 ? " (" : "; ", times[kinds[i]], kinds[i]
  print n ? ")" : ""
}
