package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/invoker/retry"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2/model"
)

// throttled starts a server that allows one list of disks a second: the second is
// refused with the gateway's code, and tried again by the SDK it is answered.
func throttled(c *cloud) error {
	data, err := os.MkdirTemp("", "throttled")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	server := exec.Command(c.binary, "serve", "--data", data, "--listen", "127.0.0.1:0", "--identity-listen", "127.0.0.1:0", "--log-level", "error",
		"--throttle", "cloudvolume.list_details=1/1s")
	said, err := server.StdoutPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	defer func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
	}()
	var iam string
	for lines := bufio.NewScanner(said); iam == "" && lines.Scan(); {
		iam, _ = strings.CutPrefix(lines.Text(), "identity also at ")
		if !strings.HasPrefix(iam, "http") {
			iam = ""
		}
	}
	theirs, err := logIn(filepath.Join(data, "openrc"))
	if err != nil {
		return err
	}
	theirs.iam = iam
	return retried(theirs)
}

func retried(c *cloud) error {
	client, err := c.client(c.access, c.secret, "")
	if err != nil {
		return err
	}
	isThrottled := func(err error) bool {
		refused, is := err.(*sdkerr.ServiceResponseError)
		return is && refused.StatusCode == http.StatusTooManyRequests && refused.ErrorCode == "APIGW.0308"
	}
	if _, err := client.ListVolumes(&model.ListVolumesRequest{}); err != nil {
		return err
	}
	if _, err := client.ListVolumes(&model.ListVolumesRequest{}); !isThrottled(err) {
		return fmt.Errorf("got %v, want 429 APIGW.0308", err)
	}
	tries := 0
	_, err = client.ListVolumesInvoker(&model.ListVolumesRequest{}).WithRetry(10, func(_ any, err error) bool {
		tries++
		return isThrottled(err)
	}, retry.NewExponential()).Invoke()
	if err == nil && tries < 2 {
		err = errors.New("it was answered at once")
	}
	return err
}
