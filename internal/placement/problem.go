package placement

// A Problem states one process group's placement. Its JSON form is
// problem.json, version 1. Absent fields are none, 0 or no limit. Region codes
// may be any strings, so a Problem also states textbook facility location.
type Problem struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	// ValuePerMS is what one millisecond less mean latency is worth, in USD a month.
	ValuePerMS float64 `json:"value_per_ms"`
	// ChangeCost is what opening or closing one region costs, and
	// MachineChangeCost creating or destroying one Machine, in USD a month.
	ChangeCost        float64 `json:"change_cost"`
	MachineChangeCost float64 `json:"machine_change_cost"`
	// Current counts the Machines that run now, by region. A region that is no
	// candidate counts as closed by every solution.
	Current    map[string]int `json:"current,omitempty"`
	Candidates []Candidate    `json:"candidates"`
	Edges      []Edge         `json:"edges"`
	// LatencyMS[e][c] is the round-trip time between edge e and candidate c.
	LatencyMS [][]float64 `json:"latency_ms"`
	// TransferUSDPerGB[e][c] is the price of a GB between them; nil means free.
	TransferUSDPerGB [][]float64 `json:"transfer_usd_per_gb,omitempty"`
	// SoftLimit and HardLimit are requests in flight per Machine. A SoftLimit
	// of 0 means that one Machine carries any load; a HardLimit of 0 means
	// that the soft limit stands for it.
	SoftLimit float64 `json:"soft_limit"`
	HardLimit float64 `json:"hard_limit"`
	Limits    Limits  `json:"limits"`
	// Autostop, where set, says that fly-proxy stops idle Machines.
	Autostop *Autostop `json:"autostop,omitempty"`
}

// Autostop prices Machines that fly-proxy stops while they are idle. In an hour
// of Demand with any load, the load at the soft limit runs, at least one
// Machine; in one without any load none; never fewer than MinRunning and never
// more than the region has. The mean over the hours × Scale, at least
// MinRunning and at most all, pays MachineCost, the others StoppedCost. Without
// any hours nothing is known, and every Machine runs all month.
type Autostop struct {
	// StoppedCost is the price of a Machine that is stopped all month (its root
	// file system), in USD.
	StoppedCost float64 `json:"stopped_machine_cost"`
	// Scale is the running hours that were observed, by those predicted so, of
	// the live regions; 0 means 1.
	Scale float64 `json:"running_scale"`
	// ColdStartMS is added to a request that comes after a quiet gap of more
	// than 5 minutes.
	ColdStartMS float64 `json:"cold_start_ms"`
	// RequestsPerHour is the requests an hour for each request in flight of
	// Demand; 0 means that cold starts are not counted.
	RequestsPerHour float64 `json:"requests_per_hour"`
}

// A Candidate is a region where Machines may run.
type Candidate struct {
	Region string `json:"region"`
	// MachineCost is the price of one Machine there, in USD a month.
	MachineCost float64 `json:"machine_cost"`
	// MinMachines > 0 implies Required. MaxMachines 0 means no limit.
	MinMachines int  `json:"min_machines,omitempty"`
	MaxMachines int  `json:"max_machines,omitempty"`
	Required    bool `json:"required,omitempty"`
	// BackendMS is added to the latency of every request served there.
	BackendMS float64 `json:"backend_ms,omitempty"`
	// MinRunning is how many Machines fly-proxy never stops there
	// (min_machines_running, which holds in the primary region only), at most
	// what the placement has. Only with Autostop.
	MinRunning int `json:"min_running,omitempty"`
}

// An Edge is a region where requests enter Fly's network.
type Edge struct {
	Region string `json:"region"`
	// Requests weighs the edge; 0 on every edge means the sum of its Demand.
	Requests float64 `json:"requests,omitempty"`
	// Demand is the number of requests in flight in each hour; the same length
	// on all edges.
	Demand []float64 `json:"demand,omitempty"`
	// GBOut is the traffic that leaves Fly here, in GB a month.
	GBOut float64 `json:"gb_out,omitempty"`
}

// Limits bound every solution. 0 means no limit, except where a field says otherwise.
type Limits struct {
	MinRegions           int `json:"min_regions,omitempty"`
	MaxRegions           int `json:"max_regions,omitempty"`
	MinMachines          int `json:"min_machines,omitempty"`
	MaxMachines          int `json:"max_machines,omitempty"`
	MinMachinesPerRegion int `json:"min_machines_per_region,omitempty"`
	// MaxChanges bounds the Machines created plus the Machines destroyed.
	MaxChanges int `json:"max_changes,omitempty"`
	// MaxMonthlyCost bounds compute plus transfer, in USD.
	MaxMonthlyCost float64 `json:"max_monthly_cost,omitempty"`
	// MaxP95LatencyMS bounds the request-weighted 95th percentile.
	MaxP95LatencyMS float64 `json:"max_p95_latency_ms,omitempty"`
	// TargetUtilization is the share of the soft limit that the busiest hour
	// may use; 0 means 1.
	TargetUtilization float64 `json:"target_utilization,omitempty"`
	// Survive says what may fail without overload; "" means None.
	Survive Survive `json:"survive,omitempty"`
	// ShrinkMargin is the share by which load must have fallen before the last
	// live Machine of a region counts as surplus: an open region keeps one more
	// than its load asks for if its load × (1 + ShrinkMargin) would ask for it,
	// and it has it and may. So a peak that wobbles around what a Machine carries doesn't
	// destroy one and create it again. From 0 to 1.
	ShrinkMargin float64 `json:"shrink_margin,omitempty"`
}

// Survive says which failure a placement must carry without overload.
type Survive string

// What may fail.
const (
	None    Survive = "none"
	Machine Survive = "machine"
	Region  Survive = "region"
)

// A Solution is a Problem's answer.
type Solution struct {
	Version int    `json:"version"`
	Status  Status `json:"status"`
	// Open lists the open regions, sorted.
	Open []string `json:"open,omitempty"`
	// Placement counts Machines by open region.
	Placement map[string]int `json:"placement,omitempty"`
	// Assignment maps each edge's region to the open region that serves it.
	Assignment map[string]string `json:"assignment,omitempty"`
	// Objective is what the solution costs, Bound what no solution undercuts;
	// both in USD a month. Gap is (Objective-Bound)/|Objective|.
	Objective float64 `json:"objective"`
	Bound     float64 `json:"bound"`
	Gap       float64 `json:"gap"`
	// Nodes counts the sets of regions that the search looked at.
	Nodes         int     `json:"nodes"`
	MeanLatencyMS float64 `json:"mean_latency_ms"`
	P95LatencyMS  float64 `json:"p95_latency_ms"`
	// MonthlyCost is compute plus transfer, TransferCost the transfer in it; USD.
	MonthlyCost  float64    `json:"monthly_cost"`
	TransferCost float64    `json:"transfer_cost"`
	Conflict     []Conflict `json:"conflict,omitempty"`
}

// Status says how much a Solution is worth.
type Status string

// What a Solution can be.
const (
	Optimal    Status = "optimal"    // proven: Objective and Bound agree to 1e-9 relative
	Feasible   Status = "feasible"   // best found when the work limit was reached
	Infeasible Status = "infeasible" // no placement meets every limit
	Unknown    Status = "unknown"    // none found, none excluded when the work limit was reached
)

// A Conflict is one limit of a set that no placement keeps to. Limit is its
// name in problem.json: one of Limits or, where Region is set, of that
// candidate. Value and Nearest are as problem.json has them: a Survive for
// "survive", a bool for "required", and a float64 for every other.
type Conflict struct {
	Limit  string `json:"limit"`
	Region string `json:"region,omitempty"`
	Value  any    `json:"value"`
	// Nearest is the nearest value of this limit that would do, all other limits
	// of the problem kept; nil when none is known to. For "survive" it is the
	// weaker level; that of "target_utilization" is a multiple of 0.001. A
	// lower limit of a single region may be 0, which doesn't require it.
	Nearest any `json:"nearest,omitempty"`
}
