package price

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

// Limits that no real price reaches. A rate above them is most likely a price
// per hour or month, a markup above them a price.
const (
	maxRate   = 0.001 // USD a second: 2,592 a month
	maxMarkup = 100
	maxPerGB  = 10
)

// Parse reads the user's own prices, a JSON object, and returns the built-in
// table with them in place of its own:
//
//	{"date": "2026-11-01",
//	 "shared_vcpu_second": 0.00000075, "performance_vcpu_second": 0.00001196, "ram_gb_second": 0.00000193,
//	 "regions": {"iad": 1, "fra": 0.69},
//	 "transfer_gb": {"eu": 0.004, "india": 0.05}}
//
// Every key may be left out. Rates are USD per second in iad, regions are
// factors on them; transfer_gb is USD per GB that leaves a region of an area,
// in place of both the private and the public rate. Unknown and repeated keys,
// rates and factors that are not above 0 (transfer: below 0) or far too large,
// and malformed dates and region codes are errors: the first 100 are reported
// together, with how many more there are.
func Parse(data []byte) (Table, error) {
	t := BuiltIn()
	p := parser{t: &t}
	if err := p.object(data, "", p.top); err != nil {
		p.problems.Addf("%w", err)
	}
	if err := p.problems.Err(); err != nil {
		return Table{}, fmt.Errorf("read prices: %w", err)
	}
	t.Source = "own prices over " + BuiltIn().Source + " of " + BuiltIn().Date
	t.Date = cmp.Or(p.date, t.Date)
	return t, nil
}

type parser struct {
	t        *Table
	date     string
	problems hint.Problems
}

func (p *parser) top(key string, value json.RawMessage) {
	switch key {
	case "date":
		p.day(value)
	case "shared_vcpu_second":
		p.rate(key, value, func(x float64) { p.t.vcpuSecond["shared"] = x })
	case "performance_vcpu_second":
		p.rate(key, value, func(x float64) { p.t.vcpuSecond["performance"] = x })
	case "ram_gb_second":
		p.rate(key, value, func(x float64) { p.t.ramGBSecond = x })
	case "regions":
		if err := p.object(value, "regions", p.region); err != nil {
			p.problems.Addf("%w", err)
		}
	case "transfer_gb":
		if err := p.object(value, "transfer_gb", p.transfer); err != nil {
			p.problems.Addf("%w", err)
		}
	default:
		p.problems.Addf("unknown key %q: use date, shared_vcpu_second, performance_vcpu_second, ram_gb_second, regions or transfer_gb", hint.Cut(key))
	}
}

func (p *parser) day(value json.RawMessage) {
	var day string
	if json.Unmarshal(value, &day) == nil {
		if _, err := time.Parse(time.DateOnly, day); err == nil {
			p.date = day
			return
		}
	}
	p.problems.Addf(`date: %s is not a day like "2026-11-01"`, hint.Cut(string(value)))
}

func (p *parser) rate(key string, value json.RawMessage, set func(float64)) {
	x, ok := number(value)
	switch {
	case !ok || x <= 0:
		p.problems.Addf("%s: %s is not a number above 0", key, hint.Cut(string(value)))
	case x > maxRate:
		p.problems.Addf("%s: %s a second is %.0f USD a month: give USD per second", key, hint.Cut(string(value)), x*MonthSeconds)
	default:
		set(x)
	}
}

func (p *parser) region(key string, value json.RawMessage) {
	code := region.Code(key)
	x, ok := number(value)
	switch {
	case !code.Valid():
		p.problems.Addf("regions: %q is not a region code: use three lower-case letters", hint.Cut(key))
	case !ok || x <= 0 || x > maxMarkup:
		p.problems.Addf("regions: %s: %s is not a factor above 0 and at most %d; 1 is the price in iad", key, hint.Cut(string(value)), maxMarkup)
	default:
		p.t.markup[code] = x
	}
}

func (p *parser) transfer(key string, value json.RawMessage) {
	area := region.Area(key)
	x, ok := number(value)
	switch _, known := p.t.transfer[area]; {
	case !known:
		p.problems.Addf("transfer_gb: unknown area %q: use eu, na, sa, apac, africa or india", hint.Cut(key))
	case !ok || x < 0 || x > maxPerGB:
		p.problems.Addf("transfer_gb: %s: %s is not a number of USD per GB from 0 to %d", key, hint.Cut(string(value)), maxPerGB)
	default:
		p.t.transfer[area] = transfer{private: x, public: x}
	}
}

// number reads a JSON number; null and everything else is not one.
func number(value json.RawMessage) (float64, bool) {
	var x *float64
	if err := json.Unmarshal(value, &x); err != nil || x == nil {
		return 0, false
	}
	return *x, true
}

// object calls member for each member of the JSON object in data, in their
// order. Unlike encoding/json it takes a repeated key for a problem: the
// reader of such a file can't know which of the two counts.
func (p *parser) object(data []byte, name string, member func(key string, value json.RawMessage)) error {
	where := "prices"
	if name != "" {
		where = name
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	start, err := dec.Token()
	if err != nil {
		return fmt.Errorf("%s: not JSON: %w", where, err)
	}
	if start != json.Delim('{') {
		return fmt.Errorf("%s: not a JSON object", where)
	}
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("%s: not JSON: %w", where, err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fmt.Errorf("%s: not JSON: %w", where, err)
		}
		k, _ := key.(string) // a key of an object is a string, or Token had failed
		if seen[k] {
			p.problems.Addf("%s: %q is given twice", where, hint.Cut(k))
		}
		seen[k] = true
		member(k, value)
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("%s: not JSON: %w", where, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one JSON value", where)
	}
	return nil
}
