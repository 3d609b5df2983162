package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// A Refusal is a pin or limit that a decision breaks.
type Refusal struct {
	Group  string
	Region region.Code // "" when the group as a whole is concerned
	// Rule is the option that is broken, or the reason of the pin.
	Rule string
	// Text is what is wrong, and Hint the next step.
	Text, Hint string
}

// RuleEgress is the Rule of a refusal to open regions while nobody can tell
// whether the app has static egress IPs. The option of this name may let it pass.
const RuleEgress = "egress"

// Check holds counts of Machines, by process group and region, stopped and
// cordoned ones included, against the Machines' pins and the limits of the
// policy that hold without traffic: which regions, how many Machines, what
// the Machines cost. It asks for no load or latency, and for none of the limits
// that only plans keep: max-changes, max-cost-increase. Of the input it reads
// no metrics. Refusals are by group, then those of regions, by code, then those
// of the whole.
func Check(in Input, targets map[string]map[region.Code]int) []Refusal {
	c := checker{in: in}
	groups := fleet.Groups(in.App, in.Now)
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		c.name = name
		i := slices.IndexFunc(groups, func(g fleet.Group) bool { return g.Name == name })
		switch {
		case in.App.Postgres():
			c.refuse("", "postgres", "move a database with its own tools", "the app is a Postgres cluster, whose Machines are not interchangeable")
		case i < 0:
			c.refuse("", "groups", "deploy it first, or drop it from the decision", "the app has no process group %q", name)
		default:
			c.group(groups[i], targets[name])
		}
	}
	return c.refusals
}

// A checker collects refusals.
type checker struct {
	in       Input
	name     string // of the group
	refusals []Refusal
}

func (c *checker) refuse(code region.Code, rule, hint, format string, args ...any) {
	c.refusals = append(c.refusals, Refusal{c.name, code, rule, fmt.Sprintf(format, args...), hint})
}

func (c *checker) group(g fleet.Group, target map[region.Code]int) {
	pol, current := c.in.Policy, g.Current()
	pins := g.Against(target)
	for _, code := range regionsOf(current, target, pol.MinInRegion, pol.Require) {
		for _, p := range pins {
			if p.Region == code {
				c.refuse(code, string(p.Reason), pinHint(p), "%s", p.Detail)
			}
		}
		c.region(g, code, target[code])
	}
	for _, p := range pins {
		if p.Region == "" {
			c.refuse("", string(p.Reason), pinHint(p), "%s", p.Detail)
		}
	}
	if g.LiteFS && !pol.AllowLiteFS && !maps.Equal(counted(target), current) {
		c.refuse("", "allow-litefs", "set allow-litefs if any Machine may go", "the group uses LiteFS: one of its Machines leads")
	}
	c.whole(g, target)
}

// region checks one region. A pin is not asked for: Against knows them.
func (c *checker) region(g fleet.Group, code region.Code, to int) {
	in, pol := c.in, c.in.Policy
	current, serving := g.Current(), g.Serving()
	serves := max(0, to-current[code]+serving[code]) // what does not serve stays
	grows := to > current[code]
	r, known := in.Catalog.Lookup(code)
	switch {
	case grows && !known:
		_, err := in.Catalog.Parse(string(code)) // says which one may be meant
		c.refuse(code, "region", "use the code of a region that `fly platform regions` lists", "%v", err)
	case grows && r.Status != region.Deployable:
		next := "leave out what is more than runs there"
		if standIn, ok := in.Catalog.StandIn(code); ok {
			next = fmt.Sprintf("use %s, which stands in for %s", standIn, code)
		}
		c.refuse(code, "region", next, "%s would run %s, but %s", code, machines(to), whyShut(in, g, code))
	}
	if why := barred(in, serving, code); serves > 0 && why != "" {
		rule, _, _ := strings.Cut(why, " (")
		next := "decide on another region, or change " + rule
		if why == byEgress {
			rule, next = string(fleet.PinEgressRegion), "decide on another region, or allocate one there"
		}
		c.refuse(code, rule, next, "%s would serve in %s, barred by %s", machines(serves), code, why)
	}
	if unread, ok := in.App.Unread["egress IPs"]; ok && grows && serving[code] == 0 {
		c.refuse(code, RuleEgress, "let the token read them, or set egress: ignore", "%s would open, but whether the app has static egress IPs could not be read: %s", code, unread)
	}
	if slices.Contains(pol.Require, code) && serves == 0 {
		c.refuse(code, "require-regions", "decide for a Machine there, or change require-regions", "no Machine would serve in %s, which require-regions names", code)
	}
	if least := pol.MinInRegion[code]; serves < least {
		c.refuse(code, "min-in-region", "decide for more there, or change min-in-region", "%s would serve in %s, but min-in-region wants %d", machines(serves), code, least)
	}
	if least := pol.MinMachinesPerRegion; serves > 0 && serves < least {
		c.refuse(code, "min-machines-per-region", "decide for more there or none, or change min-machines-per-region", "%s would serve in %s, but min-machines-per-region wants %d", machines(serves), code, least)
	}
}

// whole checks the group as a whole. What serves nothing counts for what is the
// most, and not for what is the least.
func (c *checker) whole(g fleet.Group, target map[region.Code]int) {
	in, pol := c.in, c.in.Policy
	idle := total(g.Current()) - total(g.Serving())
	all, open := total(target), 0
	for code, n := range target {
		if n > g.Current()[code]-g.Serving()[code] {
			open++
		}
	}
	least := pol.MinMachines
	if singleton(in, g) {
		least = 1
		if here := g.Machines[0].Region; target[here] == 0 {
			c.refuse(here, string(fleet.PinLast), "set min-machines to let it be placed", "the group's only Machine would leave %s: that it runs one may be on purpose", here)
		}
	}
	if serve := all - idle; serve < least && serve > 0 { // that none is left is a pin's
		c.refuse("", "min-machines", "decide for more, or change min-machines", "%s would serve, but min-machines wants %d", machines(serve), least)
	}
	if pol.MaxMachines > 0 && all > pol.MaxMachines {
		c.refuse("", "max-machines", "decide for fewer, or change max-machines", "%s would run, but max-machines allows %d", machines(all), pol.MaxMachines)
	}
	if open < pol.MinRegions && open > 0 {
		c.refuse("", "min-regions", "decide for more regions, or change min-regions", "%d would be open, but min-regions wants %d", open, pol.MinRegions)
	}
	if pol.Survive == placement.Region && open == 1 {
		c.refuse("", "survive", "decide for another region, or change survive", "no region would be left when one fails, but survive is region")
	}
	if pol.MaxRegions > 0 && open > pol.MaxRegions {
		c.refuse("", "max-regions", "decide for fewer regions, or change max-regions", "%d would be open, but max-regions allows %d", open, pol.MaxRegions)
	}
	c.cost(g, target)
}

// cost checks what the Machines cost; what traffic adds is not known here.
func (c *checker) cost(g fleet.Group, target map[region.Code]int) {
	most := c.in.Policy.MaxMonthlyCost
	if most == 0 || g.Autostop { // what runs depends on the load, which is not known here
		return
	}
	usd, err := compute(c.in, g, target)
	switch {
	case err != nil:
		c.refuse("", "max-monthly-cost", "add the price with the prices option", "nobody can tell whether max-monthly-cost is kept: %v", err)
	case usd > most*slack:
		c.refuse("", "max-monthly-cost", "decide for fewer, or change max-monthly-cost", "the Machines alone would cost %s a month, but max-monthly-cost is %s", price.Format(usd), price.Format(most))
	}
}

// pinHint says what to do about a pin.
func pinHint(p fleet.Pin) string {
	switch p.Reason {
	case fleet.PinLast:
		return "to run none, scale it by hand: `fly scale count 0`"
	case fleet.PinNoSource:
		return "see that a Machine is healthy: `fly deploy`"
	case fleet.PinVolume:
		return "groups with volumes grow and move by hand"
	case fleet.PinPrimary:
		return "decide for more there, or change primary_region or min_machines_running in fly.toml"
	case fleet.PinCordoned, fleet.PinIdle, fleet.PinHost:
		return "start or uncordon it, or destroy it by hand"
	case fleet.PinLeased:
		return "run again when the lease is over"
	default:
		return "decide for more there, or move it by hand"
	}
}

// regionsOf lists all regions that are counted or named, each once, by code.
func regionsOf(now, target, least map[region.Code]int, named []region.Code) []region.Code {
	codes := slices.Clone(named)
	for _, counts := range []map[region.Code]int{now, target, least} {
		codes = slices.AppendSeq(codes, maps.Keys(counts))
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// counted returns a copy without regions that have no Machine.
func counted(counts map[region.Code]int) map[region.Code]int {
	out := maps.Clone(counts)
	maps.DeleteFunc(out, func(_ region.Code, n int) bool { return n == 0 })
	return out
}
