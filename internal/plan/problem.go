package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// A problem is the placement.Problem of one group, and what does not fit in it.
type problem struct {
	placement.Problem
	// live is the same problem with every region that runs Machines among the
	// candidates, to price what runs now even where it may not stay.
	live     placement.Problem
	regions  []region.Region // of the live candidates, by code
	findings []Finding
	// only are candidates of live that are there to price what is decided, and
	// where nothing new starts.
	only map[string]bool
	// barred are requirements that name regions where nothing may open, and
	// closing the regions with Machines that the policy bars.
	barred, closing []string
	// stuck are barred regions whose Machines nobody can judge the load of.
	stuck []string
	// idleCost is what the Machines cost that serve nothing, in USD a month.
	idleCost float64
	// bars says which option bars a region where Machines serve.
	bars map[region.Code]string
}

// latencySource tells where the round trip between an edge and a region comes from.
func latencySource(in Input, edge, served region.Code) latency.Source {
	a, _ := in.Catalog.Lookup(edge)
	b, _ := in.Catalog.Lookup(served)
	_, source := in.Latency.RTT(a, b)
	return source
}

// state puts a group's placement as a problem. Money is USD a month. Machines
// that serve nothing are not in it: they carry no load, and stay as they are.
func state(in Input, g fleet.Group, d demand.Demand) (problem, error) {
	current := g.Serving()
	p := problem{}
	floor := g.Floor()
	if d.Load.Basis == demand.Unknown {
		floor = current // nothing is removed without a concurrency figure
	}
	candidates, err := p.candidates(in, g, floor)
	if err != nil {
		return p, err
	}
	pol := in.Policy
	p.live = placement.Problem{
		Version: 1, Name: in.App.Name + "/" + g.Name,
		ValuePerMS: pol.ValuePerMS * d.PerMonth / 1e6,
		Current:    byName(current),
		Candidates: candidates,
		SoftLimit:  g.SoftLimit, HardLimit: g.HardLimit,
		Limits: placement.Limits{
			MinRegions: pol.MinRegions, MaxRegions: pol.MaxRegions,
			MinMachines: pol.MinMachines, MaxMachines: pol.MaxMachines,
			MinMachinesPerRegion: pol.MinMachinesPerRegion,
			MaxChanges:           pol.MaxChanges,
			MaxMonthlyCost:       pol.MaxMonthlyCost,
			MaxP95LatencyMS:      float64(pol.MaxP95Latency.Microseconds()) / 1000,
			TargetUtilization:    pol.TargetUtilization,
			Survive:              pol.Survive,
		},
	}
	if p.live.Limits.MaxChanges == 0 {
		p.live.Limits.MaxChanges = max(6, (len(g.Machines)+1)/2)
	}
	p.edges(in, d)
	inFlight := d.Load.PerRPS * d.Load.Burst
	if d.Load.Basis == demand.Unknown {
		if inFlight, err = p.sizeByLive(); err != nil {
			return p, err
		}
	}
	if err := p.autostop(in, g, inFlight); err != nil {
		return p, err
	}
	if err := p.priceChanges(pol.ChangeCost); err != nil {
		return p, err
	}
	p.restrict(in, g, d.Load.Basis == demand.Unknown)
	p.leaveRoom(in, g)
	return p, nil
}

// shrinkMargin is how far the peak must be below what the next smaller number
// of Machines carries before one goes: a peak that wobbles moves none.
const shrinkMargin = 0.1

// priceChanges sets what opening or closing a region must be worth, by what
// runs now.
func (p *problem) priceChanges(c ChangeCost) error {
	usd := c.USD
	if usd == 0 {
		now, err := placement.Evaluate(p.live, p.live.Current)
		if err != nil {
			return err
		}
		usd = c.Share * (now.ComputeCost + now.TransferCost)
	}
	p.live.ChangeCost, p.live.MachineChangeCost = usd, usd/4
	return nil
}

// sizeByLive replaces requests per second by requests in flight where nobody
// measured them: what the busiest live Machine carries is what one can carry at
// the target utilization. So a new region gets as many Machines as its traffic
// needs by that measure: its first one draws all of it. It returns how many
// requests in flight it takes for one a second.
func (p *problem) sizeByLive() (float64, error) {
	rates := p.live
	rates.SoftLimit, rates.HardLimit = 0, 0
	e, err := placement.Evaluate(rates, rates.Current)
	if err != nil {
		return 0, err
	}
	perMachine := 0.0
	for code, rate := range e.Load {
		perMachine = max(perMachine, rate/float64(p.live.Current[code]))
	}
	if perMachine == 0 {
		return 0, nil
	}
	factor := p.live.SoftLimit * cmp.Or(p.live.Limits.TargetUtilization, 1) / perMachine
	for i, edge := range p.live.Edges {
		inFlight := make([]float64, len(edge.Demand))
		for h, rate := range edge.Demand {
			inFlight[h] = rate * factor
		}
		p.live.Edges[i].Demand = inFlight
	}
	return factor, nil
}

// candidates lists the regions that may be open, and those that are, by code.
func (p *problem) candidates(in Input, g fleet.Group, floor map[region.Code]int) ([]placement.Candidate, error) {
	current, decided := g.Serving(), counted(in.Decided[g.Name])
	p.only = map[string]bool{}
	rows := in.Catalog.Deployable()
	for _, code := range regionsOf(current, decided, nil, nil) {
		r, ok := in.Catalog.Lookup(code)
		if !ok || !placed(r) {
			if current[code] == 0 {
				continue
			}
			return nil, hint.Wrap(fmt.Errorf("region %q runs Machines, but neither the built-in table nor the Machines API knows it", code),
				"update Fly Placer; it cannot tell the region's place or price")
		}
		if r.Status != region.Deployable {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b region.Region) int { return strings.Compare(string(a.Code), string(b.Code)) })

	var out []placement.Candidate
	var unpriced []string
	for _, r := range rows {
		full := slices.Contains(in.Full[g.Name], r.Code)
		if (full || r.Status != region.Deployable) && current[r.Code] == 0 {
			if decided[r.Code] == 0 {
				continue
			}
			p.only[string(r.Code)] = true
		}
		wanted := slices.Contains(in.Policy.Require, r.Code) || in.Policy.MinInRegion[r.Code] > 0
		usd, known, err := monthly(in.Prices, g.Guest, r.Code)
		switch {
		case err != nil:
			return nil, err
		case !known && current[r.Code] == 0 && !wanted && decided[r.Code] == 0:
			unpriced = append(unpriced, string(r.Code))
			continue
		case !known:
			p.findings = append(p.findings, Finding{
				Warning,
				fmt.Sprintf("no price is known for %s: the dearest known price is taken", r.Code),
				"add it with the prices option",
			})
		}
		if !known && current[r.Code] == 0 && !wanted {
			p.only[string(r.Code)] = true
		}
		c := placement.Candidate{
			Region: string(r.Code), MachineCost: usd,
			MinMachines: max(floor[r.Code], in.Policy.MinInRegion[r.Code]),
			Required:    slices.Contains(in.Policy.Require, r.Code),
			BackendMS:   backendMS(in, r),
		}
		if full || r.Status != region.Deployable {
			c.MaxMachines = current[r.Code] // what is left there may stay, nothing new starts
		}
		if c.MaxMachines > 0 && c.MinMachines > c.MaxMachines {
			p.barred = append(p.barred, fmt.Sprintf("min-in-region wants %d Machines in %s, but %s", c.MinMachines, c.Region, whyShut(in, g, r.Code)))
			c.MinMachines = c.MaxMachines
		}
		out = append(out, c)
		p.regions = append(p.regions, r)
	}
	if len(unpriced) > 0 {
		p.findings = append(p.findings, Finding{
			Notice,
			"no price is known for " + strings.Join(unpriced, ", ") + ": not considered", "add them with the prices option",
		})
	}
	return out, nil
}

// backendMS is what each request served in r waits for the backend.
func backendMS(in Input, r region.Region) float64 {
	backend, ok := in.Catalog.Lookup(in.Policy.BackendRegion)
	if !ok {
		return 0
	}
	ms, _ := in.Latency.RTT(r, backend)
	return in.Policy.BackendRoundTrips * ms
}

// monthly is the price of a Machine in a region, and whether it is known: the
// dearest known price stands in for one that is not.
func monthly(t price.Table, g price.Guest, c region.Code) (usd float64, known bool, err error) {
	usd, err = t.Monthly(g, c)
	if errors.Is(err, price.ErrUnknownRegion) {
		return dearest(t, g), false, nil
	}
	return usd, err == nil, err
}

// dearest is the highest price of g in any region; a guess that never makes a
// region look cheaper than it is.
func dearest(t price.Table, g price.Guest) float64 {
	top := 0.0
	for _, c := range t.Regions() {
		if usd, err := t.Monthly(g, c); err == nil {
			top = max(top, usd)
		}
	}
	return top
}

func placed(r region.Region) bool { return r.Lat != 0 || r.Lon != 0 }

// edges adds the demand and its round trips to every candidate.
func (p *problem) edges(in Input, d demand.Demand) {
	for _, e := range d.Edges {
		from, _ := in.Catalog.Lookup(e.Code)
		row := make([]float64, len(p.regions))
		for i, to := range p.regions {
			row[i], _ = in.Latency.RTT(from, to)
		}
		p.live.Edges = append(p.live.Edges, placement.Edge{Region: string(e.Code), Requests: e.Requests, Demand: e.InFlight, GBOut: e.GBOut})
		p.live.LatencyMS = append(p.live.LatencyMS, row)
		p.live.TransferUSDPerGB = append(p.live.TransferUSDPerGB, p.rates(in, from))
	}
}

// rates are what a GB costs between an edge and each candidate. Traffic leaves
// Fly's network at the edge, wherever the Machine is that answers: what a
// placement decides is how much goes between regions before that.
func (p *problem) rates(in Input, from region.Region) []float64 {
	row := make([]float64, len(p.regions))
	for i, to := range p.regions {
		row[i], _ = in.Prices.TransferPerGB(from, to, !in.Policy.FlatTransfer) // of an unknown area: the dearest
	}
	return row
}

// restrict leaves only the candidates that the policy and static egress IPs allow.
func (p *problem) restrict(in Input, g fleet.Group, unmeasured bool) {
	pol, current := in.Policy, g.Serving()
	p.Problem = p.live
	p.bars = map[region.Code]string{}
	var keep []int
	for i, c := range p.live.Candidates {
		code := region.Code(c.Region)
		why := barred(in, current, code)
		switch {
		case p.only[c.Region]:
		case why != "" && unmeasured && !c.Required && pol.MinInRegion[code] == 0 && g.Floor()[code] == 0 && c.MinMachines > 0:
			p.stuck = append(p.stuck, fmt.Sprintf("%s bars %s, but without a load figure nothing is removed", why, c.Region))
		case why != "" && (c.MinMachines > 0 || c.Required):
			p.barred = append(p.barred, fmt.Sprintf("%s bars %s, but %s", why, c.Region, whyKept(c, g, pol)))
		case why != "" && current[code] > 0:
			p.closing = append(p.closing, fmt.Sprintf("%s bars %s, where %s serve", why, c.Region, machines(current[code])))
			p.bars[code] = why
		case why != "":
		default:
			keep = append(keep, i)
		}
	}
	known := func(c region.Code) bool {
		return slices.ContainsFunc(p.live.Candidates, func(x placement.Candidate) bool { return x.Region == string(c) && !p.only[x.Region] })
	}
	for _, c := range pol.Require {
		if !known(c) {
			p.barred = append(p.barred, fmt.Sprintf("require-regions names %s, but %s", c, whyShut(in, g, c)))
		}
	}
	for _, c := range slices.Sorted(maps.Keys(pol.MinInRegion)) {
		if pol.MinInRegion[c] > 0 && !known(c) {
			p.barred = append(p.barred, fmt.Sprintf("min-in-region names %s, but %s", c, whyShut(in, g, c)))
		}
	}
	p.keep(keep)
}

// byEgress is what bars regions without a static egress IP.
const byEgress = "the app's static egress IPs"

// barred says what keeps a group, by what serves now, out of a region: the
// policy, or static egress IPs; "" when nothing does.
func barred(in Input, current map[region.Code]int, c region.Code) string {
	pol, egress := in.Policy, in.App.EgressRegions
	switch {
	case slices.Contains(pol.Exclude, c) || slices.Contains(pol.ExcludeAreas, areaOf(in, c)):
		return "exclude-regions"
	case len(pol.Allow)+len(pol.AllowAreas) > 0 && !slices.Contains(pol.Allow, c) && !slices.Contains(pol.AllowAreas, areaOf(in, c)):
		return "allow-regions"
	case len(pol.ExcludeAreas) > 0 && areaOf(in, c) == "":
		return "exclude-regions (its area is not known)"
	case len(egress) > 0 && !slices.Contains(egress, c) && current[c] == 0:
		return byEgress
	}
	return ""
}

// keep leaves only these candidates.
func (p *problem) keep(columns []int) {
	p.Candidates = pick(p.Candidates, columns)
	for _, rows := range []*[][]float64{&p.LatencyMS, &p.TransferUSDPerGB} {
		kept := make([][]float64, len(*rows))
		for e, row := range *rows {
			kept[e] = pick(row, columns)
		}
		*rows = kept
	}
}

func pick[T any](of []T, at []int) []T {
	var out []T
	for _, i := range at {
		out = append(out, of[i])
	}
	return out
}

// leaveRoom takes what serves nothing, and stays, off the limits of the whole.
func (p *problem) leaveRoom(in Input, g fleet.Group) {
	idle, cost := 0, 0.0
	for code, n := range g.Current() {
		n -= g.Serving()[code]
		idle += n
		for _, c := range p.live.Candidates {
			if c.Region == string(code) {
				cost += float64(n) * c.MachineCost
			}
		}
	}
	p.idleCost = cost
	for _, l := range []*placement.Limits{&p.Limits, &p.live.Limits} {
		if l.MaxMachines > 0 {
			l.MaxMachines = max(1, l.MaxMachines-idle)
		}
		if l.MaxMonthlyCost > 0 {
			l.MaxMonthlyCost = max(l.MaxMonthlyCost-cost, math.SmallestNonzeroFloat64)
		}
	}
}

func areaOf(in Input, c region.Code) region.Area {
	r, _ := in.Catalog.Lookup(c)
	return r.Area
}

// whyShut says why no new Machine can start in a region.
func whyShut(in Input, g fleet.Group, c region.Code) string {
	if slices.Contains(in.Full[g.Name], c) {
		return "Fly has no room for them there now"
	}
	return "Fly starts no new Machines there"
}

func whyKept(c placement.Candidate, g fleet.Group, pol Policy) string {
	code := region.Code(c.Region)
	switch {
	case pol.MinInRegion[code] > 0:
		return fmt.Sprintf("min-in-region wants %d Machines there", pol.MinInRegion[code])
	case c.Required:
		return "require-regions wants it"
	case g.Floor()[code] > 0 && code == g.Primary:
		return "it is the Machines' PRIMARY_REGION (primary_region in fly.toml), which keeps its last Machine"
	case g.Floor()[code] > 0:
		return "Machines there are pinned"
	}
	return "nothing is removed without a load figure"
}

func byName(m map[region.Code]int) map[string]int {
	out := make(map[string]int, len(m))
	for c, n := range m {
		out[string(c)] = n
	}
	return out
}

func byCode(m map[string]int) map[region.Code]int {
	out := make(map[region.Code]int, len(m))
	for c, n := range m {
		out[region.Code(c)] = n
	}
	return out
}
