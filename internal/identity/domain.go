package identity

import (
	"context"
	"time"
)

// DefaultDomainID is the domain that a first start makes. Source: Keystone's bootstrap.
const (
	DefaultDomainID   = "default"
	DefaultDomainName = "Default"
)

// Domain holds projects and users; names are unique within one.
type Domain struct {
	ID          string
	Name        string
	Description string
	Enabled     bool
	CreatedAt   time.Time
}

// DomainList is one page of domains, in the order of their ids. Empty fields filter nothing.
type DomainList struct {
	Name   string
	Marker string // id of the last row of the page before
	Limit  int    // rows at most
}

// Domain fails with NotFound.
func (s *Service) Domain(ctx context.Context, id string) (*Domain, error) {
	if !plausibleID(id) {
		return nil, missing("domain", id)
	}
	return s.store.Domain(ctx, id)
}

// Domains lists domains.
func (s *Service) Domains(ctx context.Context, list DomainList) ([]*Domain, error) {
	if !storable(list.Name) || !storable(list.Marker) {
		return nil, nil
	}
	list.Limit = page(list.Limit)
	return s.store.Domains(ctx, list)
}

// DomainsOf lists the domains on which the user holds a role: where a
// domain-scoped token can be had. Source: Keystone GET /v3/auth/domains.
func (s *Service) DomainsOf(ctx context.Context, userID string) ([]*Domain, error) {
	held, err := s.store.Assignments(ctx, AssignmentList{UserID: userID, Kind: OnDomain, Limit: MaxPage})
	if err != nil {
		return nil, err
	}
	var domains []*Domain
	seen := map[string]bool{}
	for _, a := range held {
		if seen[a.Target.ID] {
			continue
		}
		seen[a.Target.ID] = true
		d, err := s.store.Domain(ctx, a.Target.ID)
		if KindOf(err) == NotFound {
			continue // gone since the assignments were read
		}
		if err != nil {
			return nil, err
		}
		if d.Enabled {
			domains = append(domains, d)
		}
	}
	return domains, nil
}

// page is a list's limit held to MaxPage.
func page(limit int) int {
	if limit <= 0 || limit > MaxPage {
		return MaxPage
	}
	return limit
}
