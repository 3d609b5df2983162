// Package promapi asks Fly.io's metrics, which are VictoriaMetrics behind a
// Prometheus-compatible API, and any server like it.
//
// A Client answers two questions: Traffic, how many responses left each edge
// region in a window, and History, everything that a plan needs about apps,
// hour by hour. Both send POST requests with explicit times, repeat what
// passes by itself, and tell a missing figure from a zero.
//
// # Values
//
// NaN is no sample. An infinite or negative value, which none of these
// figures can have, is left out with a warning. A server that says
// "isPartial" is believed: the figures are returned and marked Partial.
//
// # What VictoriaMetrics answers
//
// Verified on VictoriaMetrics v1.148.8, single server, with the end-to-end
// test of this package (real_test.go); the simulated server in sim/promsim
// agrees with it to a billionth on every query that is sent:
//
//   - increase(c[d]) at t covers (t-d, t]. It does not extrapolate: it is the
//     last value inside minus the last one before, so that neighbouring
//     windows neither overlap nor leave anything out, and integers stay
//     integers.
//   - The last sample before the window counts however old it is, as far as
//     the query reads: five minutes before its first window (for a window
//     under a step, or five minutes in an instant query: before that). What
//     grew during a gap counts where the gap ends.
//   - A new series is taken to begin at 0, so that its first value counts, if
//     that value is below 10 × (|second value − first| + 1); else it is taken
//     to have counted before, and its first value is lost. A single value
//     counts below 10. After the restart of a proxy (proxy_id flips, a new
//     series) nothing is lost unless its first sample exceeds ten times the
//     growth to the next. The second value must be in what the query reads: at
//     the very end of a window that ends now it may not be.
//   - A smaller value is a restart at 0, but a step back by less than an
//     eighth is jitter and counts as no growth. A series that returns after a
//     pause with a larger value than it left with is taken to have gone on.
//   - A window without samples is no value, except that a range query says 0
//     between two samples of which the earlier is close before the window.
//   - Inside a subquery with steps of a minute a sample of a gauge holds for
//     one minute, or for the usual interval of its series and an eighth to a
//     half when that is longer (67.5 s at one sample a minute). So a flipped
//     proxy_id stands beside its successor for a minute, and a sum would count
//     its Machine twice: hence the maximum by Machine inside. A replaced
//     Machine stands beside the new one for up to a minute; that is at most
//     one point of the sixty in an hour's mean, and can raise the hour's
//     maximum for that minute. A staleness marker ends a series at once. A
//     Machine that stops counts as up for as long.
//   - Range queries of 50 points and more have their start moved to a multiple
//     of the step, unless caches are off; whole hours are not affected.
//   - An instant query near now is answered as of 30 seconds ago, unless
//     nocache=1 is sent. Whether Fly.io passes that on is not known.
//   - max of two arguments is the largest of both, also where one is empty. "or"
//     is not that: it drops the series of its right side whose labels, without
//     the metric name, are on its left.
//
// tlast_over_time and max of two arguments, used for the newest sample, are
// MetricsQL only. Prometheus itself would refuse that one query; it would
// answer the others, but its increase extrapolates.
package promapi
