package flysim

import (
	"maps"
	"slices"
	"strconv"
)

// Web describes equal Machines of a process group with a public HTTP service,
// as fly deploy makes them.
type Web struct {
	// Group is the process group; "" = "app".
	Group string
	// Regions says how many Machines run where.
	Regions map[string]int
	// CPUKind, CPUs and MemoryMB are the Machine's size; zero = shared, 1
	// and 256.
	CPUKind        string
	CPUs, MemoryMB int
	// Concurrency is the type of the limits, "" = "requests"; a limit of 0 is
	// left out.
	Concurrency          string
	SoftLimit, HardLimit int
	// Autostop is off, stop or suspend; "" = off. MinRunning is
	// min_machines_running.
	Autostop   string
	MinRunning int
	// Primary is PRIMARY_REGION; "" = the region with the most Machines.
	Primary string
	// Release is fly_release_version; 0 = 1.
	Release int
}

// AddWeb adds the Machines of w to an app, region by region in the order of
// their codes, and returns their IDs.
func (s *Server) AddWeb(appName string, w Web) []string {
	var ids []string
	for _, region := range slices.Sorted(maps.Keys(w.Regions)) {
		for range w.Regions[region] {
			ids = append(ids, s.AddMachine(appName, w.Machine(region)))
		}
	}
	return ids
}

// Machine returns one Machine of w in a region, healthy and started.
func (w Web) Machine(region string) Machine {
	return Machine{
		Region: region,
		Config: w.config(),
		Checks: []Check{{Name: "servicecheck-00-http-8080", Status: "passing", Output: "HTTP 200"}},
	}
}

// config returns a configuration of its own for each Machine: they can be
// changed one by one.
func (w Web) config() map[string]any {
	group := or(w.Group, "app")
	concurrency := map[string]any{"type": or(w.Concurrency, "requests")}
	if w.SoftLimit > 0 {
		concurrency["soft_limit"] = w.SoftLimit
	}
	if w.HardLimit > 0 {
		concurrency["hard_limit"] = w.HardLimit
	}
	service := map[string]any{
		"protocol":             "tcp",
		"internal_port":        8080,
		"autostart":            true,
		"autostop":             autostop(w.Autostop),
		"min_machines_running": w.MinRunning,
		"ports": []any{
			map[string]any{"port": 80, "handlers": []any{"http"}, "force_https": true},
			map[string]any{"port": 443, "handlers": []any{"http", "tls"}},
		},
		"checks": []any{
			map[string]any{"type": "http", "interval": "15s", "timeout": "2s", "grace_period": "5s", "method": "GET", "path": "/up"},
		},
		"concurrency": concurrency,
	}
	return map[string]any{
		"image":    "registry.fly.io/shop:" + firstTag,
		"init":     map[string]any{},
		"env":      map[string]any{"FLY_PROCESS_GROUP": group, "PRIMARY_REGION": w.primary()},
		"guest":    map[string]any{"cpu_kind": or(w.CPUKind, "shared"), "cpus": max(w.CPUs, 1), "memory_mb": max(w.MemoryMB, 256)},
		"restart":  map[string]any{"policy": "on-failure", "max_retries": 10},
		"services": []any{service},
		"metadata": map[string]any{
			"fly_flyctl_version":   "0.4.12",
			"fly_platform_version": "v2",
			"fly_process_group":    group,
			"fly_release_id":       "release" + strconv.Itoa(max(w.Release, 1)),
			"fly_release_version":  strconv.Itoa(max(w.Release, 1)),
		},
	}
}

func (w Web) primary() string {
	if w.Primary != "" {
		return w.Primary
	}
	primary := ""
	for _, region := range slices.Sorted(maps.Keys(w.Regions)) {
		if primary == "" || w.Regions[region] > w.Regions[primary] {
			primary = region
		}
	}
	return primary
}

// autostop returns the setting as the API writes it: booleans for the values
// that were once booleans.
func autostop(setting string) any {
	switch setting {
	case "stop":
		return true
	case "suspend":
		return "suspend"
	default:
		return false
	}
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
