// Package placement finds the regions and Machine counts that serve a demand
// best, and proves it.
//
// # Model
//
// S is the set of open regions. Every edge e is served by its closest open
// region s(e): the smallest LatencyMS, ties to the lower code. The latency that
// is paid is L'[e][s] = LatencyMS[e][s] + BackendMS[s]; the proxy that assigns
// requests doesn't know the backend. With the share w[e] of all requests, n[s]
// Machines, and n0, S0 those that run now, the objective is
//
//	J = ValuePerMS·Σ w[e]·L'[e][s(e)] + Σ n[s]·MachineCost[s]
//	  + Σ GBOut[e]·TransferUSDPerGB[e][s(e)]
//	  + ChangeCost·|S △ S0| + MachineChangeCost·Σ |n[s]-n0[s]|
//
// S determines the counts that are required, from load[s][h], the demand of the
// edges of s in hour h:
//
//  1. Base: the smallest number that carries the busiest hour at
//     TargetUtilization of the soft limit, and keeps to the minima per region.
//  2. Survive a Machine: a region with a base of 2 or more, or alone, carries
//     its busiest hour at the hard limit with one Machine less. When a base
//     is 1, the regions that its edges move to carry theirs and those.
//  3. Survive a region (instead of 2): at least two are open, and when any one
//     is lost, every other carries what moves to it, at the hard limit.
//  4. Fill: up to MinMachines, one at a time where most load is on a Machine.
//
// Before the last, a region keeps a live Machine more than steps 1 to 3 ask for,
// within its own most, if its load, and in 3 what moves to it, × (1 +
// ShrinkMargin) would ask for it; not for a neighbour with a base of 1.
//
// Steps 2 and 3 look at base counts only, so nothing depends on an order. With
// a SoftLimit of 0 no load asks for Machines, and steps 2 and 3 only for
// counts: two Machines in a region that is alone, two regions. A hard limit
// below the soft limit stands for both. Live Machines beyond the required ones
// stay if that is cheaper than destroying them, or if MaxChanges forces it, as
// far as limits allow (tally.settle says why the cheapest first is best). A
// region never runs more than 100,000.
//
// With Autostop a region of n Machines runs R of them on average, with H hours
// of demand and kept = min(n, MinRunning):
//
//	run[h] = 0 without load, else at least 1 and load[s][h] at the soft limit, rounded up
//	R      = min(n, max(kept, Scale·Σ min(n, max(kept, run[h])) / H))
//
// and costs MachineCost·R + StoppedCost·(n-R). So the price of one more Machine
// is that of a stopped one, but for those that kept or a Scale above 1 asks for:
// then it falls as more are added, and tally.keep chooses among surplus Machines
// exactly. A quiet region (tally.coldShare) adds ColdStartMS for the share of
// its requests that wait, to the mean only.
//
// Everything is compared with a relative tolerance of 1e-9, rounding up too: 48
// requests at 16 a Machine are 3 Machines, however the 48 was added up. Equal
// objectives are decided by fewer Machines created and destroyed, then fewer
// regions, then the set whose sorted codes come first. Candidates and edges are
// sorted before anything is added up, so their order in the file changes no
// bit. P95 is the smallest L' at which the share of requests reaches 95 %.
//
// # Bound
//
// Given multipliers v[e] and, for each region, weights over the hours that sum
// to 1, no set S costs less than
//
//	K + Σ v[e] + Σ over S of rho[s]
//	rho[s] = min over 0 ≤ x ≤ 1, n:  spend[s](n) + Σ (c[e][s]-v[e])·x[e]
//	         so that n Machines carry Σ d[e]·x[e]
//
// where c is the latency and transfer part of J, d the weighted mean of the
// demand over the hours, K the cost of closing everything that runs, and
// spend[s](n) the least that s adds to J with at least n Machines, less what
// closing it would have cost (so it may be negative). It is the Lagrangian
// relaxation of "every edge is served once" (Cornuéjols, Fisher and Nemhauser,
// Management Science 23, 1977, for plain facility location), and rho a
// continuous knapsack for each n. It holds with every feature on, because it
// only drops or weakens requirements:
//
//   - A mean over hours is at most the busiest hour. The weights are chosen by
//     fictitious play between a region and its hours (Brown 1951).
//   - Counts are whole: n runs over whole numbers, and model.own, which says
//     how many a load asks for, never falls when the load rises, nor when it
//     rises by the shrink margin up to the live count. Its inverse,
//     model.capacity, limits the knapsack. A base of 2 or more includes its
//     spare Machine (N-1); what a base of 1 or the loss of a region asks of
//     neighbours only adds Machines, as does filling.
//   - spend is non-decreasing in n, so more Machines never cost less; keeping
//     surplus for MaxChanges only adds to it.
//   - What runs is at least what tangents say, which are linear in the edges
//     but for a part that depends on the one that is active longest; the rest
//     of a Machine costs the lower of its two prices. Cold starts are left out,
//     except those that are certain at a node.
//   - Shares x may split an edge and ignore which region is closest.
//   - Limits are dropped, except on the number of regions, required ones, and
//     the most Machines of a region. Those on Machines, changes and cost come
//     back with a multiplier each: who exceeds one pays, who keeps to it
//     doesn't gain, because the bound takes the whole limit's charge off K.
//
// The multipliers are found once by subgradient steps (Held, Wolfe and Crowder,
// Mathematical Programming 6, 1974) and then stay.
//
// # Search
//
// A warm-up prices the live set, single regions and all of them, and moves from
// the best to better neighbours (add, drop, swap: Teitz and Bart, Operations
// Research 16, 1968). Branch and bound then decides region by region, in the
// order of how much the edges gain from each at the multipliers. An edge never
// passes an open region for one farther away, so at each node
//
//   - an edge reaches its closest open region and the undecided ones that are
//     closer, and no other;
//   - the closest of these holds it: it goes there if that region opens,
//     whatever else does. Then x = 1, in cost and in load.
//
// The same knapsacks with these restrictions bound the node: rho of the open
// regions plus the least of what as many undecided ones add as must, and may,
// open. The Machines of a region are at least those for the busiest hour of the
// edges that it holds, not only for the mean one. In an open region they also
// are, at the hard limit, at least those for what it holds together with held
// edges of another open region that have nowhere closer to move: with survive
// region always, with survive machine where the other region's edges are all
// known and ask for one Machine. A decision only takes edges out of reach and
// adds to those held, and counts never fall when load rises; so a node's bound
// holds below it, a region's part of it never falls on the way down, and is
// found again only where reach, held edges or Machines have changed.
//
// A node above the best known objective is left out, ties are not. A region
// that lifts the bound above it when it opens is closed for the node, and one
// that does so when it is closed is opened (Beasley, EJOR 65, 1993). A node is
// left out too when held edges break a limit on Machines or cost, when what its
// decisions create and destroy breaks the one on changes, or when more than 5 %
// of the requests reach only regions that are too far away for the limit on the
// 95th percentile. On real sizes this looks at some hundred or thousand sets
// instead of all 2^18. A complete set is routed, counted and priced in stages,
// and given up as soon as the hours added up so far put it above the best or
// beyond a limit. Hours in which every edge has no more demand than in one
// other hour are left out beforehand.
//
// When the warm-up finds no placement, there is no objective to compare a bound
// with; then the same search first minimises cost, Machines or changes,
// whichever is tightest, which either finds a placement or proves that none
// exists.
//
// Whole Machines hide about half of one in each open region from the relaxation,
// and what surviving the loss of a region asks of neighbours more: while two
// regions are undecided, an edge may be promised to both, by the part that fills
// a Machine. With more than 18 free regions, those that are close to each other
// are therefore put into groups. Every choice in a group is priced at the node
// that has decided the group and nothing else. Parts of the bound never fall on
// the way down, so a node's regions of a group add no less than the least of the
// choices that it leaves, which a table tells; and the sum over the groups is a
// bound (in heuristic search such tables, added up, are known as disjoint
// pattern databases: Korf and Felner, Artificial Intelligence 134, 2002). Then
// groups are decided one after the other.
//
// With more than 22 the proof may still take too long. Then better sets are
// looked for first: with a region more and with one less, one number after the
// other; and, by the same search, those that differ from the best in two groups
// only, or in three. The search for sets that are better than the best by some
// share is much smaller than that for all, and when it ends, none is. So the
// share falls step by step, as far as the work will do; the last one that was
// searched is the gap that is certified. Small steps are searched twice, group
// by group and in the order of all regions, to go on with what is less.
//
// # Variants
//
// The frontier has one search for each number of regions, and an explanation
// one for each region that is decided the other way. They share the model. Each
// begins with the neighbours of another's best set, for the frontier that with
// a region more or less, and with its multipliers. That changes how long they
// take, not what they prove.
//
// # Plain problems
//
// Where nothing depends on the load and no limit but those on the number of
// regions can bind (Problem.entangled says it exactly), a region that opens
// has the same Machines whatever else is open, except that one alone may need
// more; those few sets are priced one by one. What is left is facility location
// with bounds on the number of facilities, for which the p-median problem and
// the uncapacitated plant location problem are the textbook names: F[s] for
// each open region and the least c[e][s] for each edge. That is solved apart,
// for up to 1,000 candidates. The relaxation is the one above without its
// knapsacks,
//
//	K + Σ v[e] + least over S of Σ rho[s],  rho[s] = F[s] + Σ min(0, c[e][s]-v[e])
//
// with S free but for its size and what the node has decided.
//
//   - Start: regions are added greedily, then moved in, out or exchanged while
//     that gains (Teitz and Bart 1968; Whitaker, INFOR 21, 1983), all moves
//     priced at once by what the closest and second closest open regions cost
//     (Resende and Werneck, EJOR 174, 2006).
//   - Prices v start from dual ascent (Erlenkotter, Operations Research 26,
//     1978) or, with a limit on the number of regions, halfway between closest
//     and second closest. Subgradient steps follow, at every node of the tree,
//     from the parent's best prices. Every 25 steps the relaxation's S is moved
//     to better neighbours.
//   - Reduced costs: a region that lifts the bound above the best objective
//     when it opens is closed for the node, and one that does so when it is
//     replaced is opened (Beasley, EJOR 65, 1993). With costs that are no whole
//     numbers that, not the bound, is what ends most proofs. From then on the
//     node's bound holds for sets better than the best; what is certified when
//     the work runs out is never above the best objective.
//   - Where requests, latencies and prices are whole multiples of one unit, a
//     node must be better by that unit.
//   - Branching, depth first, is on the region that the relaxation chose nearest
//     to half of the time.
//
// Up to 64 candidates the search keeps looking at sets that are as good as the
// best, so that ties are decided as everywhere; up to 20 however many there
// are, beyond that up to 3,000 nodes, then one of the best is enough. Above 64
// it is always enough: which one depends on codes and numbers, not on the order
// of the file.
//
// # Contradictions
//
// Where no placement keeps to every limit, the smallest set of limits is named
// that no placement keeps to, all other limits dropped: subsets are tried by
// size, in a fixed order. Nearly every subset tried has a placement, and most
// often in a set of regions that was found before, so those are priced first;
// only what is left is searched. Where there are too many subsets, limits are
// taken away one by one as long as the rest still contradicts, which ends with a
// set of which each is needed, but maybe not with the smallest (a deletion
// filter: Chinneck and Dravnieks, ORSA Journal on Computing 3, 1991).
//
// Subsets are tried and not inferred from others, because limits are not all
// monotone: a minimum for one region may spare its neighbours Machines, so that
// adding a limit can make a problem feasible. If they were, each limit whose
// absence alone makes the problem feasible would be in every contradictory
// set, since what lacks it has a placement. So there is nothing to prefer among
// several smallest sets but the order of the limits.
//
// # Work
//
// Options.MaxNodes bounds the work, never the time, so answers can be
// reproduced. A plain problem may walk 100 costs for each node. When it is
// reached, the best placement comes with the lowest bound of all that was left
// out.
package placement
