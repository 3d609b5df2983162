package apply_test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// A randomGroup is a random process group.
type randomGroup struct {
	kind                kind
	before, after       counts
	idle, volumes, sick counts
	asleep              float64 // share of those that fly-proxy stopped
	floor               counts  // by PRIMARY_REGION and min_machines_running
	primary             region.Code
	standby, cron, once bool // there is a Machine of that sort, which is not counted
	wrong               []string
	serves              int
}

// randomScenario makes a scenario. wrong says why its decision must be refused.
func randomScenario(r *rand.Rand) (sc scenario, wrong []string) {
	sc = scenario{
		before: groups{}, after: groups{}, idle: groups{}, sick: groups{}, kinds: map[string]kind{}, routers: map[string]flysim.Router{},
		config: flysim.Config{
			OldAPI: r.IntN(5) == 0, NoStrayNonce: r.IntN(4) == 0, RetryAfter: r.IntN(2) == 0, Limits: r.IntN(4) == 0, MarksAreVersions: r.IntN(4) == 0,
			BootTime: time.Duration(1+r.IntN(8)) * time.Second, CheckTime: time.Duration(1+r.IntN(8)) * time.Second,
			DestroyTime: time.Duration(1+r.IntN(3)) * time.Second,
		},
	}
	if r.IntN(4) == 0 {
		sc.config.ListLag = time.Duration(1+r.IntN(5)) * time.Second
	}
	if r.IntN(4) == 0 {
		sc.config.PageSize = 2
	}
	if r.IntN(6) == 0 {
		sc.config.ForgetTime = time.Millisecond
	}
	all := map[string]randomGroup{}
	names := []string{"web", "admin", "api"}[:1+[]int{0, 0, 0, 0, 1, 1, 2}[r.IntN(7)]]
	closest := distances(r)
	for _, name := range names {
		g := newRandomGroup(r)
		all[name] = g
		sc.before[name], sc.after[name], sc.idle[name], sc.sick[name], sc.kinds[name] = g.before, g.after, g.idle, g.sick, g.kind
		for _, s := range g.wrong {
			wrong = append(wrong, name+": "+s)
		}
		sc.routers[name] = randomRouter(r, closest, plain(sc.served(name)), plain(sc.serve(name)))
	}
	if r.IntN(8) == 0 && len(names) > 1 { // it is not decided on the last one
		last := names[len(names)-1]
		delete(sc.after, last)
		wrong = slices.DeleteFunc(wrong, func(s string) bool { return strings.HasPrefix(s, last+": ") })
		sc.routers[last] = randomRouter(r, closest, plain(sc.served(last)), plain(sc.serve(last)))
	}
	seed := r.Uint64()
	sc.set = func(w *world) {
		r := rand.New(rand.NewPCG(seed, 1))
		for _, name := range names {
			all[name].set(w, name, r)
		}
	}
	return sc, wrong
}

func newRandomGroup(r *rand.Rand) randomGroup {
	g := randomGroup{
		kind:   kind{checks: r.IntN(10) < 7, autostop: r.IntN(10) < 3},
		before: counts{}, after: counts{}, idle: counts{}, volumes: counts{}, sick: counts{}, floor: counts{},
		standby: r.IntN(8) == 0, cron: r.IntN(8) == 0, once: r.IntN(8) == 0,
	}
	for len(g.before) == 0 {
		for _, code := range pool {
			if r.IntN(3) == 0 {
				g.before[region.Code(code)] = 1 + r.IntN(3)
			}
		}
	}
	codes := slices.Sorted(maps.Keys(g.before))
	some := func() region.Code { return codes[r.IntN(len(codes))] }
	if g.kind.autostop {
		g.asleep = []float64{0, 0.3, 1}[r.IntN(3)]
	} else if r.IntN(5) == 0 {
		g.idle[some()]++
	}
	if r.IntN(5) == 0 {
		g.volumes[some()]++
	}
	if code := some(); g.kind.checks && g.asleep == 0 && r.IntN(5) == 0 && g.before[code] > 1+g.volumes[code] {
		g.sick[code]++
	}
	if r.IntN(3) == 0 {
		g.primary = some()
		g.kind.primary, g.kind.least = string(g.primary), r.IntN(3)
		g.floor[g.primary] = min(g.before[g.primary], max(1, g.kind.least))
	}
	g.decide(r)
	return g
}

// decide makes the decision, and says what is wrong with it.
func (g *randomGroup) decide(r *rand.Rand) {
	keep := r.IntN(8) != 0 // what is pinned
	live := func(code region.Code) int { return g.before[code] + g.idle[code] }
	for _, name := range pool {
		code := region.Code(name)
		must := g.idle[code] + max(g.volumes[code], g.floor[code])
		n := 0
		switch r.IntN(4) {
		case 0:
			n = live(code)
		case 1:
			n = 1 + r.IntN(3)
		}
		if keep {
			n = max(n, must)
		}
		if n > 0 {
			g.after[code] = n
		}
		if n < must {
			g.wrong = append(g.wrong, fmt.Sprintf("%d in %s, %d must stay", n, code, must))
		}
		g.serves += max(0, n-g.idle[code])
	}
	if g.serves == 0 {
		first := slices.Sorted(maps.Keys(g.before))[0]
		g.after[first] += 1 + g.idle[first]
		g.wrong = slices.DeleteFunc(g.wrong, func(s string) bool { return strings.Contains(s, string(first)) })
		if must := g.idle[first] + max(g.volumes[first], g.floor[first]); g.after[first] < must {
			g.wrong = append(g.wrong, "too few in "+string(first))
		}
	}
	stays, shrinks := 0, false
	for _, code := range pool {
		gone := max(0, live(region.Code(code))-g.after[region.Code(code)])
		stays, shrinks = stays+max(0, g.sick[region.Code(code)]-gone), shrinks || gone > 0
	}
	if stays > 0 && shrinks { // nothing would be taken away before it is well
		clear(g.sick)
	}
	grows := false
	for code, n := range g.after {
		grows = grows || n > live(code)
	}
	if healthy := total(g.before) - total(g.volumes) - total(g.sick); grows && healthy == 0 {
		g.wrong = append(g.wrong, "no Machine to copy")
	}
	if maps.Equal(g.after, trim(sum(g.before, g.idle))) {
		g.wrong = nil // it runs already
	}
}

func sum(a, b counts) counts {
	n := maps.Clone(a)
	for code, v := range b {
		n[code] += v
	}
	return n
}

// set gives the group's Machines what makes them special.
func (g randomGroup) set(w *world, name string, r *rand.Rand) {
	volumes, sick := maps.Clone(g.volumes), maps.Clone(g.sick)
	for _, m := range w.living() {
		code := region.Code(m.Region)
		if m.Group() != name || m.State != "started" {
			continue
		}
		switch {
		case volumes[code] > 0:
			volumes[code]--
			w.ChangeMachine(shop, m.ID, func(m *flysim.Machine) {
				m.Config["mounts"] = []any{map[string]any{"volume": "vol_" + m.ID, "name": "data", "path": "/data"}}
			})
		case sick[code] > 0:
			sick[code]--
			w.ChangeMachine(shop, m.ID, func(m *flysim.Machine) { m.Checks[0].Status = "critical" })
			continue
		}
		if r.Float64() < g.asleep {
			w.StopByProxy(shop, m.ID)
		}
	}
	extra := func(yes bool, key string, value any) {
		if !yes {
			return
		}
		m := machine(name, pool[r.IntN(len(pool))], g.kind)
		m.Name, m.Cordoned, m.Config[key] = other+key, true, value // cordoned: nobody counts on it
		w.AddMachine(shop, m)
	}
	extra(g.standby, "standbys", []any{"3d8d0000000000"})
	extra(g.cron, "schedule", "daily")
	extra(g.once, "auto_destroy", true)
}

// distances puts the regions somewhere in a square, and lists for each all of
// them, the closest first.
func distances(r *rand.Rand) map[string][]string {
	at := map[string][2]float64{}
	for _, code := range pool {
		at[code] = [2]float64{r.Float64(), r.Float64()}
	}
	closest := map[string][]string{}
	for _, edge := range pool {
		far := func(code string) float64 { return math.Hypot(at[code][0]-at[edge][0], at[code][1]-at[edge][1]) }
		closest[edge] = slices.SortedFunc(slices.Values(pool), func(a, b string) int { return cmp.Compare(far(a), far(b)) })
	}
	return closest
}

// randomRouter sends as much as both placements just take.
func randomRouter(r *rand.Rand, closest map[string][]string, before, after map[string]int) flysim.Router {
	router := flysim.Router{Demand: map[string]float64{}, Closest: closest, PerMachine: 1}
	for _, edge := range pool {
		router.Demand[edge] = r.Float64()
	}
	most := 0.0
	for _, serving := range []map[string]int{before, after} {
		for code, load := range router.Load(serving) {
			most = max(most, load/max(float64(serving[code]), 1e-9))
		}
	}
	for edge := range router.Demand {
		router.Demand[edge] /= most
	}
	return router
}

func (sc scenario) describe() string {
	return fmt.Sprintf("before %v, idle %v, sick %v, after %v, kinds %+v, %+v", sc.before, sc.idle, sc.sick, sc.after, sc.kinds, sc.config)
}
