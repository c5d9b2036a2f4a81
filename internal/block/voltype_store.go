package block

import "context"

// TypeReads are the Store's reads of types and of what belongs to them.
type TypeReads interface {
	// VolumeTypes are all types, oldest first; MaxVolumeTypes at most.
	VolumeTypes(ctx context.Context) ([]*VolumeType, error)
	// TypesOfProject are the ids of the types that a project was given access to.
	TypesOfProject(ctx context.Context, projectID string) ([]string, error)
	// ProjectsOfType are the projects that were given access to a type, in order.
	ProjectsOfType(ctx context.Context, typeID string) ([]string, error)
	// DefaultTypes are the default types of projects that have one of their own,
	// by project; of one project alone when it is named.
	DefaultTypes(ctx context.Context, projectID string) (map[string]string, error)
	// QoSSpecs are all QoS specs, oldest first; MaxQoSSpecs at most.
	QoSSpecs(ctx context.Context) ([]*QoSSpecs, error)
}

// TypeWrites are the Tx's methods for types and what belongs to them.
type TypeWrites interface {
	// VolumeType reads for writing (FOR UPDATE); fails with NotFound.
	VolumeType(id string) (*VolumeType, error)
	// UseVolumeType reads a type that must not change or go before the transaction
	// ends; fails with NotFound.
	UseVolumeType(id string) (*VolumeType, error)
	// AddVolumeType fails with Conflict when the name is taken.
	AddVolumeType(t *VolumeType) error
	// SaveVolumeType sets UpdatedAt to Now and raises Version; fails with Conflict
	// if the row changed since it was read, or the name is taken.
	SaveVolumeType(t *VolumeType) error
	// DropVolumeType removes the row, who has access to it, and its rows of usage,
	// which must be zero.
	DropVolumeType(t *VolumeType) error
	// CountVolumeTypes counts all types.
	CountVolumeTypes() (int, error)
	// TypeUsed tells whether there are volumes or snapshots of the type.
	TypeUsed(typeID string) (bool, error)
	// RenameLimits moves the limits that a type's name is in to its new name, for
	// projects and classes; an empty one drops them.
	RenameLimits(from, to string) error

	// TypesOfProject are the ids of the types that a project was given access to.
	TypesOfProject(projectID string) ([]string, error)
	// AddTypeProject fails with Conflict when the project has access already.
	AddTypeProject(typeID, projectID string) error
	// DropTypeProject fails with NotFound when the project has no access.
	DropTypeProject(typeID, projectID string) error
	// CountTypeProjects counts the projects that were given access to a type.
	CountTypeProjects(typeID string) (int, error)

	// DefaultType is a project's own default type; empty when there is none.
	DefaultType(projectID string) (string, error)
	// SetDefaultType sets it, in place of another.
	SetDefaultType(projectID, typeID string) error
	// DropDefaultType forgets it, if there is one.
	DropDefaultType(projectID string) error
	// CountDefaultTypes counts the projects whose default type it is; of all types
	// when none is named.
	CountDefaultTypes(typeID string) (int, error)

	// QoS reads for writing (FOR UPDATE); fails with NotFound.
	QoS(id string) (*QoSSpecs, error)
	// AddQoS fails with Conflict when the name is taken.
	AddQoS(q *QoSSpecs) error
	// SaveQoS sets UpdatedAt to Now and raises Version; fails with Conflict.
	SaveQoS(q *QoSSpecs) error
	DropQoS(q *QoSSpecs) error
	CountQoS() (int, error)
	// TypesOfQoS are the types that QoS specs count for, read for writing.
	TypesOfQoS(id string) ([]*VolumeType, error)
}
