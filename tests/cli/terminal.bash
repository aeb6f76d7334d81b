# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A terminal that tests type at.

# Runs an expect script with the helpers it needs: `start COMMAND...` in an 31 x 97 terminal, `see
# REGEX` or fail, `finish STATUS`. The prompt is made unmistakable first.
terminal() {
    printf '%s\n' "$1" >script.exp
    run timeout -k 5 150 expect -c '
        set timeout 20
        log_user 0
        set transcript ""
        set stty_init "rows 31 columns 97"
        proc start {args} {
            global spawn_id spawn_out env
            spawn -noecho $env(WHERRY) {*}$args
        }
        proc see {pattern} {
            global transcript spawn_id
            expect {
                -re $pattern { append transcript $expect_out(buffer) }
                timeout { puts "no /$pattern/ within 20 s after: $transcript"
                          expect *; puts "last: $expect_out(buffer)"; exit 90 }
                eof { puts "ended instead of /$pattern/ after: $transcript
$expect_out(buffer)"; exit 91 }
            }
        }
        proc type {text} { send -- $text }
        # A key that only counts once the program that it is for has the terminal.
        proc type_until {text pattern} {
            global transcript spawn_id
            for {set i 0} {$i < 100} {incr i} {
                send -- $text
                expect {
                    -timeout 1
                    -re $pattern { append transcript $expect_out(buffer); return }
                    eof { puts "ended instead of /$pattern/ after: $transcript"; exit 91 }
                    timeout {}
                }
            }
            puts "no /$pattern/ after: $transcript"; exit 90
        }
        proc finish {status} {
            global transcript spawn_id
            expect { eof { append transcript $expect_out(buffer) } timeout { puts "no end"; exit 92 } }
            set found [lindex [wait] 3]
            if {$found != $status} { puts "status $found instead of $status; $transcript"; exit 93 }
        }
        source script.exp
        puts -nonewline $transcript
    '
    assert_status 0
}
