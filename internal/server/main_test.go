package server_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/breezeblock/breezeblock/internal/store/storetest"
)

// Whatever a test does to a server, nothing of it runs on afterwards.
func TestMain(m *testing.M) { storetest.Main(m, func() error { return goleak.Find() }) }
