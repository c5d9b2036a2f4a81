package nbd_test

const childSocket = "BREEZEBLOCK_NBD_TEST_SOCKET"

func serveChild(string) {}
