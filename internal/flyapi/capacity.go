package flyapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// ErrCapacityDenied is wrapped by the error of Capacity when the token may not
// ask, or the API does not know the question: a plan can go on without.
var ErrCapacityDenied = errors.New("the token may not ask for capacity")

const (
	// placementsBurst is how many questions go out at once; the others follow
	// one a second, which is Fly.io's limit for one action.
	placementsBurst = 3
	// capacityTime bounds all of them: a plan can do without the answers.
	capacityTime = 40 * time.Second
)

// placementsRequest asks for a simulation. fly-go's own type sends weights as
// null, which the API's description does not admit.
type placementsRequest struct {
	Compute struct {
		CPUKind  string `json:"cpu_kind"`
		CPUs     int    `json:"cpus"`
		MemoryMB int    `json:"memory_mb"`
	} `json:"compute"`
	Count  int    `json:"count"`
	Org    string `json:"org_slug"`
	Region string `json:"region"`
}

// Capacity asks how many more Machines of size guest each region takes now, up
// to as many as wants has for it. Regions of which none is wanted are not asked.
//
// Each region is asked for alone, by an expression of its code only, so that
// Fly.io does not place elsewhere what does not fit; what an answer says of
// other regions does not count. Nothing is reserved: a Machine may fail to be
// created all the same. Any failure fails the whole; see ErrCapacityDenied.
func (c *Client) Capacity(ctx context.Context, org string, guest price.Guest, wants map[region.Code]int) (map[region.Code]int, error) {
	codes := slices.Sorted(maps.Keys(wants))
	codes = slices.DeleteFunc(codes, func(code region.Code) bool { return wants[code] <= 0 })
	var bad []error
	for _, code := range codes {
		if !code.Valid() {
			bad = append(bad, fmt.Errorf("ask for capacity: %q is not a region code", code))
		}
	}
	if org == "" {
		bad = append(bad, errors.New("ask for capacity: no organization named"))
	}
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, capacityTime)
	defer cancel()
	counts, errs := make([]int, len(codes)), make([]error, len(codes))
	var all sync.WaitGroup
	for i, code := range codes {
		all.Go(func() {
			if wait := time.Duration(i-placementsBurst+1) * time.Second; wait > 0 {
				if err := c.sleep(ctx, wait); err != nil {
					errs[i] = fmt.Errorf("ask for capacity in %s: %w", code, err)
					return
				}
			}
			if counts[i], errs[i] = c.placements(ctx, org, guest, code, wants[code]); errs[i] != nil {
				cancel() // the others' answers are of no use any more
			}
		})
	}
	all.Wait()
	if err := firstCause(errs); err != nil {
		return nil, err
	}
	out := make(map[region.Code]int, len(codes))
	for i, code := range codes {
		out[code] = counts[i]
	}
	return out, nil
}

// firstCause returns the first error that is not only the end that another one
// brought about.
func firstCause(errs []error) error {
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return cmp.Or(errs...)
}

// placements asks about one region.
func (c *Client) placements(ctx context.Context, org string, guest price.Guest, code region.Code, want int) (int, error) {
	in := placementsRequest{Count: want, Org: org, Region: string(code)}
	in.Compute.CPUKind, in.Compute.CPUs, in.Compute.MemoryMB = guest.CPUKind, guest.CPUs, guest.MemoryMB
	var answer struct {
		Regions json.RawMessage `json:"regions"` // null or empty: none fits
	}
	var rows []struct {
		Region string `json:"region"`
		Count  int    `json:"count"`
	}
	_, err := c.send(asRead(ctx), request{method: http.MethodPost, path: "/platform/placements", body: in}, &answer)
	var e *Error
	switch {
	case errors.As(err, &e) && slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, e.Status):
		return 0, hint.Wrap(fmt.Errorf("ask for capacity in %s: %w: %w", code, ErrCapacityDenied, e),
			"a token for one app may not be enough: try one of the organization, as `fly tokens create readonly %s` prints it", org)
	case err != nil:
		return 0, fmt.Errorf("ask for capacity in %s: %w", code, err)
	}
	if err := json.Unmarshal(answer.Regions, &rows); err != nil {
		return 0, hint.Wrap(fmt.Errorf("ask for capacity in %s: the answer has no list of regions", code), "%s", notFly)
	}
	count := 0
	for _, row := range rows {
		if row.Region == string(code) {
			count += max(0, row.Count)
		}
	}
	return min(count, want), nil
}
