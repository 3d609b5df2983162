package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// rounds is how often a plan is made again without the regions that turned out
// to be full.
const rounds = 3

// place makes an app's plan and asks whether there is room for what it starts.
// A region without it is left out, and the plan made again. Nothing is
// reserved by asking. Where the answer cannot be had the plan stands, with a
// warning.
func (r *run) place(ctx context.Context, fly *flyapi.Client, in plan.Input) (plan.Plan, error) {
	in.Full = map[string][]region.Code{}
	room := map[string]map[region.Code]int{} // what is known, by group
	for round := 0; ; round++ {
		p, err := plan.Make(in)
		if err != nil {
			return p, err
		}
		short, err := r.short(ctx, fly, in, p, room)
		switch {
		case errors.Is(err, flyapi.ErrCapacityDenied):
			p.Findings = append(p.Findings, plan.Finding{
				Level: plan.Notice, Text: "nobody asked Fly.io whether there is room for new Machines: the token may not",
				Hint: "give fly-api-token the right to its organization, as `fly tokens create readonly ORG` does, if you want to know at once",
			})
			return withFull(p, in.Full), nil
		case err != nil:
			p.Findings = append(p.Findings, plan.Finding{
				Level: plan.Warning, Text: fmt.Sprintf("could not ask Fly.io whether there is room for new Machines: %v", err),
				Hint: strings.Join(hint.Of(err), "; "),
			})
			return withFull(p, in.Full), nil
		case len(short) == 0:
			return withFull(p, in.Full), nil
		case round == rounds:
			p = withFull(p, in.Full)
			for _, group := range slices.Sorted(maps.Keys(short)) {
				p.Findings = append(p.Findings, plan.Finding{
					Level: plan.Warning, Text: "Fly.io has no room for what this plan starts in " + list(short[group]),
					Hint: "plan again later, or leave these regions out with exclude-regions",
				})
			}
			return p, nil
		}
		for group, codes := range short {
			in.Full[group] = append(in.Full[group], codes...)
			slices.Sort(in.Full[group])
		}
	}
}

// short lists, by group, the regions that have no room for what p starts there.
// Only what room does not answer yet is asked.
func (r *run) short(ctx context.Context, fly *flyapi.Client, in plan.Input, p plan.Plan, room map[string]map[region.Code]int) (map[string][]region.Code, error) {
	short := map[string][]region.Code{}
	taken := map[region.Code]int{} // by groups before
	for _, g := range p.Groups {
		want := map[region.Code]int{}
		for _, c := range g.Changes {
			if c.Delta() <= 0 {
				continue
			}
			taken[c.Region] += c.Delta()
			if taken[c.Region] > room[g.Name][c.Region] {
				want[c.Region] = taken[c.Region]
			}
		}
		if len(want) == 0 {
			continue
		}
		found, err := fly.Capacity(ctx, cmp.Or(in.App.Org, "personal"), g.Guest, want)
		if err != nil {
			return nil, err
		}
		if room[g.Name] == nil {
			room[g.Name] = map[region.Code]int{}
		}
		for code, n := range want {
			room[g.Name][code] = max(room[g.Name][code], found[code])
			if found[code] < n {
				short[g.Name] = append(short[g.Name], code)
			}
		}
		slices.Sort(short[g.Name])
		if len(short[g.Name]) == 0 {
			delete(short, g.Name)
		}
	}
	return short, nil
}

// withFull tells in each group's plan which regions were left out.
func withFull(p plan.Plan, full map[string][]region.Code) plan.Plan {
	for i, g := range p.Groups {
		if codes := full[g.Name]; len(codes) > 0 {
			p.Groups[i].Findings = append(p.Groups[i].Findings, plan.Finding{
				Level: plan.Warning, Text: "Fly.io has no room for new Machines in " + list(codes) + " now: planned without any more there",
			})
		}
	}
	return p
}

func list(codes []region.Code) string {
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = string(c)
	}
	return strings.Join(words, ", ")
}
