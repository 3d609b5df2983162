package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/region"
)

// A Move is what changes in one region of a group: Machines are created there,
// or Machines go.
type Move struct {
	Region region.Code
	// Create is how many Machines are to be created.
	Create int
	// Destroy are the Machines to be destroyed, in the order in which they go.
	Destroy []Leaver
}

// PinNoSource forbids a target that grows a group without a Machine to clone.
// It is no pin of a Group, as Machines may go even then.
const PinNoSource PinReason = "no-source"

// A Leaver is a Machine that is to be destroyed.
type Leaver struct {
	Machine Machine
	// Reason says, as the end of a sentence about the Machine, why it goes
	// rather than another: "is of release 7, others of 8".
	Reason string
}

// Moves lists what leads from the group's Machines, stopped and cordoned ones
// included, to target, by region; regions that stay as they are are left out.
// What serves nothing stays and fills its place in target, but never does the
// work of a Machine that goes. It fails when a pin forbids target: see Against.
func (g Group) Moves(target map[region.Code]int) ([]Move, error) {
	if pins := g.Against(target); len(pins) > 0 {
		words := make([]string, len(pins))
		for i, p := range pins {
			words[i] = p.Detail
		}
		return nil, fmt.Errorf("change process group %s: %s", g.Name, strings.Join(words, "; "))
	}
	current := g.Current()
	var moves []Move
	for _, code := range regionsOf(current, target) {
		switch more := target[code] - current[code]; {
		case more > 0:
			moves = append(moves, Move{Region: code, Create: more})
		case more < 0:
			moves = append(moves, Move{Region: code, Destroy: g.leavers(code, -more)})
		}
	}
	return moves, nil
}

// Against lists the pins that forbid target, a count of Machines for each
// region, stopped and cordoned ones included. A detail says what target wants,
// what must stay, and why.
func (g Group) Against(target map[region.Code]int) []Pin {
	var pins []Pin
	current, serving, floor := g.Current(), g.Serving(), g.Floor()
	serves, left, grows := 0, 0, false
	for _, code := range regionsOf(current, target) {
		idle := current[code] - serving[code]
		serves += serving[code]
		left += max(0, target[code]-idle)
		grows = grows || target[code] > current[code]
		if keep := idle + floor[code]; target[code] < keep {
			reason, why := g.whyKept(code)
			pins = append(pins, Pin{Region: code, Reason: reason, Detail: fmt.Sprintf(
				"%d of %d Machines would stay in %s, but %d must: %s", target[code], current[code], code, keep, why)})
		}
	}
	if left == 0 && serves > 0 && len(pins) == 0 {
		pins = append(pins, Pin{Reason: PinLast, Detail: "no Machine would be left that serves: the group keeps its last one"})
	}
	if _, ok := g.Source(); grows && !ok {
		pin := Pin{Reason: PinNoSource, Detail: "no Machine can be cloned: none is healthy, of a finished deploy and free to run on any host"}
		if len(g.Mounts) > 0 {
			pin = Pin{Reason: PinVolume, Detail: "a new Machine would start with an empty volume: every Machine mounts " + strings.Join(g.Mounts, ", ")}
		}
		pins = append(pins, pin)
	}
	return pins
}

// whyKept says why Machines of a region must stay, and the first of the
// reasons.
func (g Group) whyKept(code region.Code) (PinReason, string) {
	counted := map[string]bool{}
	for _, m := range g.Machines {
		counted[m.ID] = true
	}
	var reason PinReason
	var why []string
	for _, p := range g.Pins {
		switch {
		case p.Region != code || p.Machine != "" && !counted[p.Machine]:
			continue
		case p.Machine != "":
			why = append(why, p.Machine+" ("+p.Detail+")")
		default:
			why = append(why, p.Detail)
		}
		reason = cmp.Or(reason, p.Reason)
	}
	return reason, strings.Join(why, "; ")
}

// leavers picks n Machines of a region that go. Against has seen to it that so
// many may.
func (g Group) leavers(code region.Code, n int) []Leaver {
	pinned := map[string]bool{}
	for _, p := range g.Pins {
		pinned[p.Machine] = true
	}
	var free []Machine
	here := 0
	for _, m := range g.Machines {
		if m.Region == code {
			here++
			if !pinned[m.ID] {
				free = append(free, m)
			}
		}
	}
	slices.SortFunc(free, func(x, y Machine) int { order, _ := leavesFirst(x, y); return order })
	var out []Leaver
	for _, m := range free[:n] {
		why := "is in a region that closes"
		switch {
		case n < len(free):
			_, why = leavesFirst(m, free[n]) // the first that stays
		case n < here:
			why = "may go, unlike the others there"
		}
		out = append(out, Leaver{m, why})
	}
	return out
}

// leavesFirst orders two Machines of a region by which is to go first, and says
// what about x decides it when x is: unhealthy ones, then stopped ones, the
// oldest release, the oldest update, the lower ID.
func leavesFirst(x, y Machine) (order int, why string) {
	first := func(is func(Machine) bool) int {
		switch a, b := is(x), is(y); {
		case a && !b:
			return -1
		case b && !a:
			return 1
		}
		return 0
	}
	if order = first(func(m Machine) bool { return m.started() && !m.healthy() }); order != 0 {
		return order, "is not healthy"
	}
	if order = first(func(m Machine) bool { return !m.started() }); order != 0 {
		return order, "is " + x.State + ", others are started"
	}
	if order = cmp.Compare(x.release(), y.release()); order != 0 {
		return order, fmt.Sprintf("is of release %d, others of %d", x.release(), y.release())
	}
	if order = x.Updated.Compare(y.Updated); order != 0 {
		return order, "was updated before others, " + x.Updated.UTC().Format(time.RFC3339)
	}
	return cmp.Compare(x.ID, y.ID), "is like the others; the lower ID goes"
}

// regionsOf lists the regions of several counts, each once, by code.
func regionsOf(counts ...map[region.Code]int) []region.Code {
	var codes []region.Code
	for _, c := range counts {
		codes = slices.AppendSeq(codes, maps.Keys(c))
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
