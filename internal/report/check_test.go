package report

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func checks() map[string][]Check {
	fly := Check{"Fly.io", []CheckLine{
		{CheckOK, "`fly-api-token`", "accepted: a macaroon, sent as `FlyV1`", ""},
		{CheckUnknown, "room for new Machines", "the token may not ask, so a plan cannot leave out regions that are full", "`fly tokens create readonly acme`"},
	}}
	shop := Check{"app shop", []CheckLine{
		{CheckFailed, "newest sample", "the newest sample is 1h30m old.", "run again when Fly's metrics are up to date"},
		{CheckFailed, "process group web", "it runs one Machine: that may be on purpose", "set `min-machines` to let it be placed"},
	}}
	well := fly
	well.Lines = fly.Lines[:1]
	return map[string][]Check{"check_well": {well}, "check_needs_you": {fly, shop}, "check_one": {{"app shop", shop.Lines[:1]}}}
}

func TestChecks(t *testing.T) {
	for name, list := range checks() {
		t.Run(name, func(t *testing.T) {
			r := Report{Checks: list}
			golden(t, name+".md", Markdown(r))
			golden(t, name+".txt", Terminal(r, TerminalOptions{}))
			js, err := CheckJSON(list)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", string(js))
		})
	}
}

// Every check.json of the goldens is as schema/check.schema.json says, and every
// key of the schema is used by some.
func TestChecksMatchTheSchema(t *testing.T) {
	data, err := os.ReadFile("../../schema/check.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	c := checker{t: t, used: map[string]bool{}}
	if err := json.Unmarshal(data, &c.root); err != nil {
		t.Fatal(err)
	}
	for name, list := range checks() {
		js, err := CheckJSON(list)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(js, &v); err != nil {
			t.Fatal(err)
		}
		c.check(name, c.root, v)
	}
	c.unused("#", c.root)
}

func TestNothingInACheckIsMarkup(t *testing.T) {
	of := func(s string) Report {
		return Report{Checks: []Check{
			{s, []CheckLine{{CheckFailed, s, s, s}, {CheckUnknown, s, s, ""}, {CheckOK, s, s, ""}}},
			{s, []CheckLine{{CheckStatus(s), s, s, s}}},
		}}
	}
	for _, s := range append(ticks, hostile) {
		checkMarkdown(t, s, Markdown(of(s)), Markdown(of(harmless(s))))
		checkTerminal(t, s, Terminal(of(s), TerminalOptions{}))
	}
}

func TestTooManyChecksAreCutToTheAnswer(t *testing.T) {
	var r Report
	for range 500 {
		r.Checks = append(r.Checks, Check{"app shop", []CheckLine{{CheckFailed, "app", strings.Repeat("not there ", 300), "make one"}}})
	}
	got := Markdown(r)
	if len(got) > MaxSummary || !strings.HasPrefix(got, "## check: 500 things need you\n") || !strings.Contains(got, "check.json") {
		t.Errorf("%d bytes: %.200s", len(got), got)
	}
}
