package block

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// DataPath is what serves the volumes' bytes, as this room sees it. Connections
// are called by their ids; the names that open them are its own.
type DataPath interface {
	// Locate tells where a client finds a connection.
	Locate(connectionID string) Location
	// Revoke cuts off every client of a connection, and returns when nothing of
	// theirs is under way. The connection has ended before: nobody can come back.
	// When it fails, something is still under way.
	Revoke(ctx context.Context, connectionID string) error
	// Adjust holds the clients that use a volume to other limits from now on. Those of
	// another process learn of them when they connect.
	Adjust(volumeID string, limits IOLimits)
}

// Location is where a client finds the bytes. It holds a secret: it is shown to the
// volume's project and never logged.
type Location struct {
	Kind   string // nbd
	Name   string // of the export
	URI    string
	Socket string // path; empty over TCP
	Host   string // empty over a socket
	Port   int
	TLS    bool
}

// noDataPath serves nothing, as in a server that is not started.
type noDataPath struct{}

func (noDataPath) Locate(string) Location               { return Location{} }
func (noDataPath) Revoke(context.Context, string) error { return nil }
func (noDataPath) Adjust(string, IOLimits)              {}

// ConnectionInfo is what a client needs to use a connection.
type ConnectionInfo struct {
	Location
	VolumeID     string
	AttachmentID string // empty: of os-initialize_connection
	ReadOnly     bool
	Limits       IOLimits
}

// Export is what a connection opens, as of now.
type Export struct {
	Volume   string
	ReadOnly bool
	Limits   IOLimits
	Open     func(ctx context.Context) (driver.Device, error)
}

// Export tells what a connection opens. It fails with NotFound when the connection
// has ended, or its volume has no bytes.
func (s *Service) Export(ctx context.Context, connectionID string) (*Export, error) {
	conn, err := s.store.Connection(ctx, connectionID)
	if err != nil {
		return nil, err
	}
	if conn.Ended {
		return nil, notFound("Connection", connectionID)
	}
	vol, err := s.store.Volume(ctx, conn.VolumeID)
	if err != nil {
		return nil, err
	}
	if !vol.hasBytes() || vol.isRecycled() {
		return nil, notFound("Connection", connectionID)
	}
	limits, err := s.ioLimits(ctx, vol)
	if err != nil {
		return nil, err
	}
	mode := driver.ReadWrite
	readOnly := conn.ReadOnly || vol.Writable == WritableNo
	if readOnly {
		mode = driver.ReadOnly
	}
	return &Export{Volume: vol.ID, ReadOnly: readOnly, Limits: limits, Open: func(ctx context.Context) (driver.Device, error) {
		return s.driver.Open(ctx, driver.Ref{Volume: vol.ID}, mode)
	}}, nil
}

// ConnectionsAt are the connections that a host may use; limit at most.
func (s *Service) ConnectionsAt(ctx context.Context, host string, limit int) ([]*Connection, error) {
	return s.store.ConnectionsAt(ctx, host, limit)
}

// connectionInfo is what a client is told of a connection to a volume.
func (s *Service) connectionInfo(ctx context.Context, vol *Volume, conn *Connection) (*ConnectionInfo, error) {
	limits, err := s.ioLimits(ctx, vol)
	if err != nil {
		return nil, err
	}
	return &ConnectionInfo{
		Location: s.parts.DataPath.Locate(conn.ID), VolumeID: vol.ID, AttachmentID: conn.AttachmentID,
		ReadOnly: conn.ReadOnly || vol.Writable == WritableNo, Limits: limits,
	}, nil
}
