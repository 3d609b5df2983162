package price

import (
	"slices"

	"github.com/fly-placer/fly-placer/internal/region"
)

// GB is the number of bytes that transfer is priced by. Fly.io writes GB and
// does not say that it means GiB, which would be 7 % less money.
const GB = 1e9

// india has rates of its own: Fly.io's price page counts it with Africa and not
// with the rest of APAC.
const india region.Area = "india"

// A transfer is what a GB costs that leaves a Machine in an area, in USD.
type transfer struct {
	private float64 // to another region
	public  float64 // to the Internet
}

// transferRates returns Fly.io's published rates for egress, as of August 2026
// (documentation, about/pricing). The private ones are for organizations with
// granular pricing: those made since 2024-07-18 and those that chose it. The
// others pay the public rate for everything that leaves a region.
func transferRates() map[region.Area]transfer {
	return map[region.Area]transfer{
		region.NorthAmerica: {0.006, 0.02},
		region.Europe:       {0.006, 0.02},
		region.APAC:         {0.015, 0.04},
		region.SouthAmerica: {0.015, 0.04},
		region.Africa:       {0.050, 0.12},
		india:               {0.050, 0.12},
	}
}

// indian are the regions in India, and what they stand in for: Fly.io's price
// calculator (October 2024) counts Dubai's edge with Mumbai.
var indian = []region.Code{"bom", "maa"}

func areaOf(r region.Region) region.Area {
	if slices.Contains(indian, r.Code) || slices.Contains(indian, r.Replacement) {
		return india
	}
	return r.Area
}

// TransferPerGB returns what a GB costs between the edge and a Machine, in USD:
// 0 where the edge is of the Machine's own region, which is its code or the one
// that stands in for it, else the higher of the two regions' rates, since
// Fly.io does not say which of them it takes. granular picks the private rates,
// otherwise the public ones count. What the edge then sends to the Internet is
// not in it: that is the same wherever Machines run.
//
// A region's rate is its area's, so that also one which only the Machines API
// knows has one. known is false where an area is not known; the dearest rate
// stands in.
func (t Table) TransferPerGB(edge, machine region.Region, granular bool) (usd float64, known bool) {
	if edge.Code == machine.Code || edge.Status != region.Deployable && edge.Replacement == machine.Code {
		return 0, true
	}
	rate := func(r transfer) float64 {
		if granular {
			return r.private
		}
		return r.public
	}
	known = true
	for _, r := range []region.Region{edge, machine} {
		if one, ok := t.transfer[areaOf(r)]; ok {
			usd = max(usd, rate(one))
			continue
		}
		known = false
		for _, other := range t.transfer {
			usd = max(usd, rate(other))
		}
	}
	return usd, known
}
