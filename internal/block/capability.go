package block

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// What the backend says of itself, by the names that types ask for it by.
const (
	Vendor          = "Breezeblock"
	DriverVersion   = "1.0"
	StorageProtocol = "NBD"
)

// unbounded is the size of a backend that cannot tell it. Source: Cinder drivers.
const unbounded = "infinite"

// Capabilities are what the backend offers: texts, truths, numbers (sizes in GiB) and
// nil. Pools show them, and the extra specs of types ask for them.
// Source: recording service-admin-scheduler-stats/get_pools?detail=True.
func (b *Backend) Capabilities() map[string]any {
	sum := b.Sum()
	all := map[string]any{
		"pool_name": b.Driver.Name, "volume_backend_name": b.Driver.Name, "vendor_name": Vendor,
		"driver_version": DriverVersion, "storage_protocol": StorageProtocol,
		"total_capacity_gb": unbounded, "free_capacity_gb": unbounded,
		"allocated_capacity_gb": float64(sum.VolumeSize), "provisioned_capacity_gb": float64(sum.VolumeSize + sum.SnapshotSize),
		"reserved_percentage": 0.0, "max_over_subscription_ratio": "20.0",
		"thin_provisioning_support": true, "thick_provisioning_support": false, "sparse_copy_volume": true,
		"QoS_support": true, "multiattach": true, "backend_state": "up", "online_extend_support": true,
		"consistencygroup_support": true, "consistent_group_snapshot_enabled": true,
		"replication_enabled": false, "group_replication_enabled": false, "replication_targets": []string{},
		"filter_function": nil, "goodness_function": nil,
	}
	if b.Driver.Total > 0 {
		all["total_capacity_gb"], all["free_capacity_gb"] = gibibytes(b.Driver.Total), gibibytes(b.Driver.Free)
	}
	return all
}

// gibibytes is a figure of the driver as pools show it.
func gibibytes(bytes int64) float64 { return math.Round(float64(bytes)/(1<<30)*100) / 100 }

// capabilityScope begins the keys of extra specs that ask for a capability and say
// so; keys of other scopes ask the backend for nothing. Source: Cinder CapabilitiesFilter.
const capabilityScope = "capabilities:"

// wants are the extra specs that ask for capabilities, by their names.
func (t *VolumeType) wants() map[string]string {
	asked := map[string]string{}
	for key, value := range t.ExtraSpecs {
		name, scoped := strings.CutPrefix(key, capabilityScope)
		if scoped || !strings.Contains(key, ":") {
			asked[name] = value
		}
	}
	return asked
}

// offers fails with errNoBackend when the backend is not what a type asks for.
func (s *Service) offers(ctx context.Context, typeID string) error {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return err
	}
	t := typeNamed(types, typeID)
	if t == nil || len(t.wants()) == 0 {
		return nil // most types: the driver is not asked
	}
	backend, err := s.Backend(ctx)
	if err != nil {
		return err
	}
	has := backend.Capabilities()
	for name, wanted := range t.wants() {
		if value, there := has[name]; !there || !satisfies(value, wanted) {
			return fmt.Errorf("%w: the type %s asks for %s %q", errNoBackend, t.Name, name, wanted)
		}
	}
	return nil
}

// satisfies compares a capability with the value of an extra spec, which is a text to
// be equal to, or begins with an operator: = (at least), ==, !=, >= and <= for
// numbers, with an s before them for texts, <in> (contains), <is> (a truth) and
// <or> between texts of which one is equal. Source: Cinder extra_specs_ops.match.
func satisfies(value any, wanted string) bool {
	words := strings.Fields(wanted)
	if len(words) == 0 {
		return value == wanted
	}
	switch op := words[0]; op {
	case "<or>":
		for i := 1; i < len(words); i += 2 {
			if value == words[i] {
				return true
			}
		}
		return false
	case "<is>":
		return value != nil && len(words) > 1 && saysYes(fmt.Sprint(value)) == saysYes(words[1])
	case "<in>":
		text, is := value.(string)
		return is && len(words) > 1 && strings.Contains(text, words[1])
	case "s==", "s!=", "s<", "s<=", "s>", "s>=":
		text, is := value.(string)
		return is && len(words) > 1 && compares(strings.Compare(text, words[1]), op[1:])
	case "=", "==", "!=", "<=", ">=":
		if len(words) < 2 {
			return false
		}
		have, haveErr := strconv.ParseFloat(fmt.Sprint(value), 64)
		want, wantErr := strconv.ParseFloat(words[1], 64)
		if op == "=" {
			op = ">="
		}
		return haveErr == nil && wantErr == nil && compares(cmp.Compare(have, want), op)
	}
	return value == wanted
}

// compares tells whether an operator holds for two values in that order.
func compares(order int, op string) bool {
	switch op {
	case "==":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// saysYes reads a truth as Python's oslo strutils does.
func saysYes(text string) bool {
	return slices.Contains([]string{"1", "t", "true", "on", "y", "yes"}, strings.ToLower(strings.TrimSpace(text)))
}
