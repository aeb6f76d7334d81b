# SPDX-License-Identifier: Apache-2.0
# The table of scripts/bench overlay. Input: the rows (key|group|in the goal's table|label), the
# servers' memory (candidate, peak RSS, PSS, anonymous PSS, threads) and the times (candidate, row,
# microseconds).
# columns: candidates in order. ratios: "A/B:max" or ":min", which says what its worst row is.

function median(list, v, n, i, j, t) {
    n = split(list, v, " ")
    for (i = 2; i <= n; i++) {
        t = v[i] + 0
        for (j = i - 1; j > 0 && v[j] + 0 > t; j--)
            v[j + 1] = v[j]
        v[j + 1] = t
    }
    return n ? v[int((n + 1) / 2)] / 1e6 : 0
}

function line(first, cells, i) {
    if (markdown) {
        printf "| %s", first
        for (i = 1; i <= n_cells; i++)
            printf " | %s", cells[i]
        print " |"
    } else {
        printf "%-34s", first
        for (i = 1; i <= n_cells; i++)
            printf " %*s", width[i], cells[i]
        print ""
    }
}

function heading(i) {
    for (i = 1; i <= n_cells; i++)
        width[i] = length(title[i]) > 8 ? length(title[i]) : 8
    line("", title)
    if (markdown) {
        printf "|---"
        for (i = 1; i <= n_cells; i++)
            printf "|---:"
        print "|"
    }
}

# One ratio of one row: into the means, and perhaps the worst.
function count_ratio(r, row, value) {
    sum_all[r] += log(value)
    n_all[r]++
    if (!in_table[row])
        return
    sum[r] += log(value)
    n[r]++
    if (!(r in worst) || (worst_is[r] == "max" ? value > worst[r] : value < worst[r])) {
        worst[r] = value
        worst_row[r] = label[row]
    }
}

function show_row(row, c, r, a, b, any) {
    for (c = 1; c <= n_columns; c++) {
        time[c] = median(times[column[c], row])
        any = any || time[c]
        cells[c] = time[c] ? sprintf("%.3f", time[c]) : "-"
    }
    for (r = 1; r <= n_ratios; r++) {
        a = time[position[numerator[r]]]
        b = time[position[denominator[r]]]
        cells[n_columns + r] = a && b ? sprintf("%.2f", a / b) : "-"
        if (a && b && row != "start")
            count_ratio(r, row, a / b)
    }
    if (any)
        line(label[row], cells)
}

BEGIN {
    n_columns = split(columns, column, " ")
    for (c = 1; c <= n_columns; c++) {
        position[column[c]] = c
        title[c] = column[c]
    }
    count = split(ratios, spec, " ")
    for (i = 1; i <= count; i++) {
        split(spec[i], part, "[/:]")
        if (!(part[1] in position) || !(part[2] in position))
            continue
        numerator[++n_ratios] = part[1]
        denominator[n_ratios] = part[2]
        worst_is[n_ratios] = part[3]
        title[n_columns + n_ratios] = part[1] "/" part[2]
    }
    n_cells = n_columns + n_ratios
}

FNR == 1 { file++ }
file == 1 {
    split($0, field, "|")
    order[++n_rows] = field[1]
    in_table[field[1]] = field[3]
    label[field[1]] = field[4]
}
NF == 5 && file > 1 {
    for (i = 2; i <= 5; i++)
        if ($i > used[$1, i])
            used[$1, i] = $i
}
NF == 3 && file > 1 { times[$1, $2] = times[$1, $2] " " $3 }

END {
    heading()
    for (i = 1; i <= n_rows; i++)
        show_row(order[i])
    print ""
    for (r = 1; r <= n_ratios; r++) {
        if (n[r])
            printf "%s: geometric mean %.2f over %d rows of the table, worst %.2f (%s)\n",
                title[n_columns + r], exp(sum[r] / n[r]), n[r], worst[r], worst_row[r]
        if (n_all[r] > n[r])
            printf "%s: geometric mean %.2f over all %d rows but start\n", title[n_columns + r],
                exp(sum_all[r] / n_all[r]), n_all[r]
    }
    for (c = 1; c <= n_columns; c++)
        if ((column[c], 2) in used)
            printf "%s: server's peak RSS %d KiB, PSS at the end at most %d KiB " \
                "(anonymous: %d KiB), threads %d\n", column[c], used[column[c], 2],
                used[column[c], 3], used[column[c], 4], used[column[c], 5]
}
