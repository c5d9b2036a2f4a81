package block

// Caller is on whose behalf a call is made. The zero Caller may do nothing.
type Caller struct {
	UserID    string
	ProjectID string
	Admin     bool // holds the role admin on the token's scope
	Vendor    bool // EVS's rules hold: metadata keys of the service are not to be changed, nor shared volumes in use extended
}

// owns tells whether an object of project is within the caller's reach.
func (c Caller) owns(project string) bool {
	return c.Admin || (c.ProjectID != "" && c.ProjectID == project)
}
