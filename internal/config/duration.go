package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// units are those of Prometheus and Go that an option may need, longest first,
// so that "ms" is not taken for "m".
var units = []struct {
	name string
	unit time.Duration
}{
	{"ms", time.Millisecond},
	{"s", time.Second},
	{"m", time.Minute},
	{"h", time.Hour},
	{"d", 24 * time.Hour},
	{"w", 7 * 24 * time.Hour},
}

// parseDuration reads "7d", "1d12h", "1.5h" or "80ms" within the option's
// bounds. Options whose least value is an hour or more take whole hours, since
// the metrics are read by the hour; those of a minute or more whole seconds.
func parseDuration(o Option, text string) (time.Duration, error) {
	low, high := seconds(o.Min), seconds(o.Max)
	want := fmt.Sprintf("want a duration from %s to %s", FormatDuration(low), FormatDuration(high))
	total, err := sumOfUnits(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s, such as %s%s", want, sample(o), err.Error())
	case total < low || total > high:
		return 0, errors.New(want)
	case low >= time.Hour && total%time.Hour != 0:
		return 0, fmt.Errorf("%s, in whole hours", want)
	case low >= time.Minute && total%time.Second != 0:
		return 0, fmt.Errorf("%s, in whole seconds", want)
	}
	return total, nil
}

func sample(o Option) string {
	if o.Example != "" {
		return o.Example
	}
	return o.Default
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }

// sumOfUnits adds up numbers with units. Its error ends a sentence.
func sumOfUnits(text string) (time.Duration, error) {
	malformed := errors.New("")
	if plainNumber.MatchString(text) {
		return 0, errors.New("; the unit is missing")
	}
	var total float64
	for rest := text; rest != "" || text == ""; {
		digits := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if digits <= 0 {
			return 0, malformed
		}
		f, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0, malformed
		}
		rest = rest[digits:]
		matched := false
		for _, u := range units {
			if after, ok := strings.CutPrefix(rest, u.name); ok {
				total += f * float64(u.unit)
				rest, matched = after, true
				break
			}
		}
		if !matched {
			return 0, malformed
		}
	}
	if total > float64(math.MaxInt64/2) {
		return 0, malformed
	}
	return time.Duration(math.Round(total)), nil
}

// FormatDuration writes d as people write it for an option: "7d", "36h",
// "5m", "80ms".
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == 0:
		return "0s"
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	case d%time.Millisecond == 0:
		return fmt.Sprintf("%dms", d/time.Millisecond)
	}
	return d.String()
}
