package placement

import "time"

// Within returns Options for about so much time on p. They bound the work and
// not the time, so that the answer is the same on every machine: one set of
// regions is taken to cost 2 µs and 4 ns for each pair of a candidate and an
// edge, as measured in November 2026 on one core of a cloud server for 10 to 60
// candidates, 20 to 100 edges and up to 168 hours. Another machine, or a
// problem that is easier or harder to look at, takes a fraction or a multiple.
func Within(p Problem, limit time.Duration) Options {
	perSet := 2*time.Microsecond + time.Duration(4*len(p.Candidates)*len(p.Edges))
	return Options{MaxNodes: int(max(1, limit/perSet))}
}

// A workBudget is shared by several solves: each may use its equal part of
// what is left.
type workBudget struct{ left, solves int }

func newWorkBudget(opt Options, solves int) *workBudget {
	if opt.MaxNodes <= 0 {
		opt.MaxNodes = defaultNodes
	}
	return &workBudget{opt.MaxNodes, solves}
}

// solve solves the next problem, without looking for conflicts.
func (b *workBudget) solve(p Problem) (Solution, error) {
	sol, err := Solve(p, Options{MaxNodes: max(1, b.left/max(1, b.solves)), noConflict: true})
	b.left -= sol.Nodes
	b.solves--
	return sol, err
}
