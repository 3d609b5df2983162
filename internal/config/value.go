package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// settings are what options are read into: those of one app, and those of the
// whole run.
type settings struct {
	app      AppConfig
	run      Config
	appNames []string
}

// A value is how an option's text is read and where the result goes. An error
// of set says what is allowed and does not repeat the text.
type value struct {
	kind Kind
	set  func(o Option, s *settings, text string) error
}

// read makes the value of an option whose text means a T.
func read[T any](kind Kind, parse func(Option, string) (T, error), put func(*settings, T)) value {
	return value{kind, func(o Option, s *settings, text string) error {
		if most := longest(kind); len(text) > most {
			return fmt.Errorf("want at most %d characters, not %d", most, len(text))
		}
		v, err := parse(o, text)
		if err != nil {
			return err
		}
		put(s, v)
		return nil
	}}
}

// longest is how many bytes a value may have, so that nobody waits for
// messages about a file that was put in its place. A list of names may hold
// all apps of an organization.
func longest(kind Kind) int {
	if kind == Names {
		return 64 << 10
	}
	return 1000
}

// into makes the value of an option that is stored as it is parsed.
func into[T any](kind Kind, parse func(Option, string) (T, error), at func(*settings) *T) value {
	return read(kind, parse, func(s *settings, v T) { *at(s) = v })
}

func text(at func(*settings) *string) value    { return into(Text, parseText, at) }
func names(at func(*settings) *[]string) value { return into(Names, parseNames, at) }
func boolean(at func(*settings) *bool) value   { return into(Bool, parseBool, at) }
func integer(at func(*settings) *int) value    { return into(Integer, parseInteger, at) }
func usd(at func(*settings) *float64) value    { return into(USD, parseUSD, at) }
func fraction(at func(*settings) *float64) value {
	return into(Fraction, parseFraction, at)
}

func percent(at func(*settings) *float64) value {
	return into(Percent, parsePercent, at)
}

func shareOrUSD(at func(*settings) *plan.ChangeCost) value {
	return into(Share, parseShareOrUSD, at)
}

func duration(at func(*settings) *time.Duration) value {
	return into(Duration, parseDuration, at)
}
func expression(at func(*settings) *string) value { return into(Regexp, parseRegexp, at) }
func regions(put func(*settings, places)) value   { return read(Regions, parseRegions, put) }

func oneRegion(at func(*settings) *region.Code) value {
	return into(Region, parseRegion, at)
}

func counts(at func(*settings) *map[region.Code]int) value {
	return into(Counts, parseCounts, at)
}
func address(at func(*settings) *string) value { return into(URL, parseURL, at) }
func path(at func(*settings) *string) value    { return into(Path, parsePath, at) }

func choice(put func(*settings) func(string)) value {
	return read(Choice, parseChoice, func(s *settings, v string) { put(s)(v) })
}

func choices(put func(*settings) func([]string)) value {
	return read(Choices, parseChoices, func(s *settings, v []string) { put(s)(v) })
}

// token makes the value of a secret, which is read apart from all others so
// that no text of it is kept.
func token() value {
	return value{Secret, func(Option, *settings, string) error {
		return errors.New("a token must not stand here")
	}}
}

// fields splits a list at commas and blanks.
func fields(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}

// longestText keeps names short enough for the places where they are shown.
const longestText = 100

func parseText(o Option, text string) (string, error) {
	if len(text) > longestText || !regexp.MustCompile(o.Pattern).MatchString(text) {
		return "", fmt.Errorf("want %s", o.Shape)
	}
	return text, nil
}

func parseNames(o Option, text string) ([]string, error) {
	pattern := regexp.MustCompile(o.Pattern)
	list := fields(text)
	var wrong []string
	for _, name := range list {
		if !pattern.MatchString(name) {
			wrong = append(wrong, quote(name))
		}
	}
	switch {
	case len(list) > 1 && len(wrong) > 0:
		return nil, fmt.Errorf("want %s, unlike %s", o.Shape, strings.Join(wrong, " and "))
	case len(list) == 0 || len(wrong) > 0:
		return nil, fmt.Errorf("want %s", o.Shape)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func parseChoice(o Option, text string) (string, error) {
	if !slices.Contains(o.Values, text) {
		return "", fmt.Errorf("want %s%s", orList(o.Values), didYouMean(text, o.Values))
	}
	return text, nil
}

func parseChoices(o Option, text string) ([]string, error) {
	list := fields(text)
	for _, v := range list {
		if !slices.Contains(o.Values, v) {
			return nil, fmt.Errorf("want one or more of %s%s", strings.Join(o.Values, ", "), didYouMean(v, o.Values))
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("want one or more of %s", strings.Join(o.Values, ", "))
	}
	return list, nil
}

// parseBool takes what YAML 1.2 and actions/toolkit take for a boolean.
func parseBool(_ Option, text string) (bool, error) {
	switch text {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, errors.New("want true or false")
}

func parseInteger(o Option, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || float64(n) < o.Min || float64(n) > o.Max {
		return 0, fmt.Errorf("want a whole number from %.0f to %.0f", o.Min, o.Max)
	}
	return n, nil
}

// plainNumber keeps out what strconv.ParseFloat takes besides: NaN, Inf,
// hexadecimal, underscores.
var plainNumber = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// bounded reads a plain number that lies within the option's bounds.
func bounded(o Option, text string) (float64, bool) {
	if !plainNumber.MatchString(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < o.Min || f == o.Min && o.MinOpen || f > o.Max || math.IsNaN(f) {
		return 0, false
	}
	return f, true
}

// bounds says in words what bounded takes.
func bounds(o Option) string {
	if o.MinOpen {
		return fmt.Sprintf("more than %s and at most %s", figure(o.Min), figure(o.Max))
	}
	return fmt.Sprintf("from %s to %s", figure(o.Min), figure(o.Max))
}

func figure(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func parseFraction(o Option, text string) (float64, error) {
	if digits, sign := strings.CutSuffix(text, "%"); sign {
		of := o
		of.Min, of.Max = 100*o.Min, 100*o.Max
		if f, ok := bounded(of, strings.TrimSpace(digits)); ok {
			return f / 100, nil
		}
	} else if f, ok := bounded(o, text); ok {
		return f, nil
	}
	return 0, fmt.Errorf("want a number, %s, or a percentage such as 80%%", bounds(o))
}

func parseUSD(o Option, text string) (float64, error) {
	f, ok := bounded(o, strings.TrimPrefix(text, "$"))
	if !ok {
		return 0, fmt.Errorf("want USD, %s, such as 12.50", bounds(o))
	}
	return f, nil
}

// parsePercent wants the sign, without which 25 and 0.25 may mean the same; 0 is
// 0 with and without it.
func parsePercent(o Option, text string) (float64, error) {
	digits, sign := strings.CutSuffix(text, "%")
	f, ok := bounded(o, strings.TrimSpace(digits))
	if !ok || !sign && f != 0 {
		return 0, fmt.Errorf("want a percentage %s, such as 25%%", bounds(o))
	}
	return f / 100, nil
}

func parseShareOrUSD(o Option, text string) (plan.ChangeCost, error) {
	if strings.HasSuffix(text, "%") {
		share, err := parsePercent(Option{Max: 100}, text)
		if err != nil {
			return plan.ChangeCost{}, errors.New("want a percentage from 0 to 100, such as 2%, or USD, such as 12.50")
		}
		return plan.ChangeCost{Share: share}, nil
	}
	amount, err := parseUSD(o, text)
	if err != nil {
		return plan.ChangeCost{}, errors.New("want a percentage from 0 to 100, such as 2%, or USD, such as 12.50")
	}
	return plan.ChangeCost{USD: amount}, nil
}

func parseRegexp(_ Option, text string) (string, error) {
	if _, err := regexp.Compile(text); err != nil {
		var wrong *syntax.Error
		if errors.As(err, &wrong) { // its text would repeat the expression
			err = errors.New(wrong.Code.String())
		}
		return "", fmt.Errorf("want a regular expression such as 2..: %w", err)
	}
	return text, nil
}

func parsePath(_ Option, text string) (string, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", errors.New("want a path without control characters")
	}
	return text, nil
}
