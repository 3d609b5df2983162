package placement

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Tangents bound the Machines that run on average from below, in a form that
// the relaxation can decide edge by edge. In an hour with load z (in soft
// limits) a region runs at least z Machines, and at least 1 if z > 0. Which of
// the two counts in which hour is chosen once for each region, where a good
// placement puts it. Hours of the first kind make the usage of the model; those
// of the second are "flat".
//
// What is added up so is at most scale × the mean of what runs in the hours,
// and at most the Machines that there are: in flat hours it is at most 1, in
// the others at most what linearUsage says. So it is at most what the region
// pays for.
type tangents struct {
	words    int       // of 64 hours
	active   []uint64  // [e*words] hours in which e has load
	flat     []uint64  // [s*words]
	perHour  float64   // Machines on average that a flat hour with load is
	always   []float64 // [s] Machines that run whatever the load, of regions without flat hours
	least    []float64 // [s*edges+e] Machines for the flat hours of e
	byLeast  [][]int   // [s] edges by least
	chosen   []float64 // [s] Machines for the flat hours of what s chose last
	occupied []uint64  // [s*words] hours in which settled edges have load
	listed   []bool    // [e] scratch
	held     []block   // [b] scratch: load of settled edges
	possible []block   // [b] scratch: load of all edges that may stay with the region
}

// layTangents chooses the tangents at the best set, with each region added.
func (s *search) layTangents(r *relaxation) {
	a := s.stops
	if a == nil {
		return
	}
	n, e, words := len(s.regions), len(s.edges), (a.hours+63)/64
	t := &tangents{
		words: words, active: make([]uint64, e*words), flat: make([]uint64, n*words),
		perHour: min(a.scale, 1) / float64(a.hours) * (1 - 4*tol), always: make([]float64, n),
		least: make([]float64, n*e), byLeast: make([][]int, n), chosen: make([]float64, n),
		occupied: make([]uint64, n*words), listed: make([]bool, e),
		held: make([]block, s.blocks()), possible: make([]block, s.blocks()),
	}
	for h := range a.hours {
		for i := range s.edges {
			if s.demand[h/lanes*e+i][h%lanes] > 0 {
				t.active[i*words+h/64] |= 1 << (h % 64)
			}
		}
	}
	r.usage = make([]float64, e*n)
	for c := range s.regions {
		s.weigh(members(s.best.set | s.needed | 1<<c))
		t.lay(s.tally, c)
		for i := range s.edges {
			if t.always[c] == 0 {
				r.usage[i*n+c] = s.linearUsage(i, func(h int) bool { return t.flat[c*words+h/64]>>(h%64)&1 == 0 })
			}
			t.least[c*e+i] = t.perHour * float64(t.hours(c, t.active[i*words:]))
			t.byLeast[c] = append(t.byLeast[c], i)
		}
		slices.SortStableFunc(t.byLeast[c], func(i, j int) int { return cmp.Compare(t.least[c*e+i], t.least[c*e+j]) })
	}
	r.tangents = t
	r.relinear()
}

// lay chooses the flat hours of region c, which the tally has weighed: those in
// which one Machine carries its load. Where more Machines never stop than its
// load asks for, these count instead.
func (t *tangents) lay(at *tally, c int) {
	a, sum := at.stops, 0.0
	kept := float64(min(a.atLeast[c], at.floor[c]))
	for h := range a.hours {
		load := at.load[h/lanes*len(at.regions)+at.slot[c]][h%lanes]
		sum += load / a.soft
		if load <= a.soft {
			t.flat[c*t.words+h/64] |= 1 << (h % 64)
		}
	}
	if kept > 0 && kept >= a.scale*sum/float64(a.hours) {
		t.always[c] = kept
		clear(t.flat[c*t.words:][:t.words])
	}
}

// hours counts the flat hours of region s among the given ones.
func (t *tangents) hours(s int, of []uint64) int {
	n := 0
	for w, flat := range t.flat[s*t.words:][:t.words] {
		n += bits.OnesCount64(flat & of[w])
	}
	return n
}

// clear forgets what is settled.
func (t *tangents) clear() { clear(t.occupied) }

// settle notes that edge e is served from s.
func (t *tangents) settle(s, e int) {
	for w, hours := range t.active[e*t.words:][:t.words] {
		t.occupied[s*t.words+w] |= hours
	}
}

// settled is how many Machines the flat hours of edges are that s serves.
func (t *tangents) settled(s int, edges []int) float64 {
	t.clear()
	for _, e := range edges {
		t.settle(s, e)
	}
	return t.running(s)
}

// running is how many Machines the flat hours of what is settled at s are.
func (t *tangents) running(s int) float64 {
	return t.perHour * float64(t.hours(s, t.occupied[s*t.words:]))
}

// serve is fill with the Machines that run in flat hours: at least those that
// each of the edges chosen, or all settled ones together, keep running. For
// each limit on an edge's hours, the edges within it are worth no more than all
// edges are in as much room as there is, nor than they are in any room.
func (r *relaxation) serve(s int, must duty, edges []int) bid {
	all := r.fill(s, must, edges)
	t := r.tangents
	if t == nil || r.running == nil || r.running[s] <= 0 || math.IsInf(all.usd, 1) {
		return all
	}
	each := r.running[s]
	best := r.fill(s, must, nil)
	roomy := best.usd
	best.usd += each * must.running
	t.chosen[s] = must.running
	for _, e := range edges {
		t.listed[e] = true
	}
	for _, e := range t.byLeast[s] {
		if !t.listed[e] {
			continue
		}
		t.listed[e] = false
		roomy += min(0, r.gain(s, e))
		running := max(must.running, t.least[s*len(r.edges)+e])
		if usd := max(roomy, all.usd) + each*running; usd < best.usd {
			best, t.chosen[s] = all, running
			best.usd = usd
		}
	}
	best.usd += each * t.always[s]
	return best
}
