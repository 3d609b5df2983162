package placement

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// Within returns Options for about so much time on p, which must be valid. They
// bound the work and not the time, so that the answer is the same on every
// machine: one set of regions is taken to cost 3 µs and 1.2 ns for each pair of
// a candidate and an edge, and one of a plain problem entriesPerNode times 6 ns,
// as measured in November 2026 on one core of a cloud server for 18 to 64
// candidates, 40 to 200 edges and 168 hours, and for plain problems of 18 to
// 1,000 candidates. Another machine, or a problem that is easier or harder to
// look at, takes a fraction or a multiple.
func Within(p Problem, limit time.Duration) Options {
	perSet := 3*time.Microsecond + time.Duration(len(p.Candidates)*len(p.Edges)*6/5)
	if p.entangled() == "" {
		perSet = entriesPerNode * 6 * time.Nanosecond
	}
	return Options{MaxNodes: int(max(1, limit/perSet))}
}

// solveAll solves n problems, several at a time: solve solves one within
// Options, without looking for conflicts. opt bounds the work of all together:
// each may use an equal part, and those that are not proven then share what
// others left. So the answers do not depend on how many are solved at a time.
func solveAll(n int, opt Options, solve func(i int, opt Options) Solution) []Solution {
	left := opt.each(1)
	sols := make([]Solution, n)
	open := make([]int, n)
	for i := range open {
		open[i] = i
	}
	for range 2 {
		if len(open) == 0 {
			break
		}
		each := Options{MaxNodes: max(1, left/len(open)), NoConflict: true}
		inParallel(open, func(i int) { sols[i] = solve(i, each) })
		for _, i := range open {
			left -= sols[i].Nodes
		}
		open = slices.DeleteFunc(open, func(i int) bool { return sols[i].Status == Optimal || sols[i].Status == Infeasible })
		if len(open) == 0 || left/len(open) <= each.MaxNodes {
			break // not again what is already known
		}
	}
	return sols
}

// each is an equal part of the nodes for one of n.
func (opt Options) each(n int) int {
	if opt.MaxNodes <= 0 {
		opt.MaxNodes = defaultNodes
	}
	return max(1, opt.MaxNodes/max(1, n))
}

// inParallel calls do for each of list, as many at a time as there are
// processors.
func inParallel(list []int, do func(i int)) {
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(len(list), runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for _, i := range list {
		next <- i
	}
	close(next)
	wait.Wait()
}
