# Copied beside each scene. What it needs comes from the environment, TF_VAR_….

terraform {
  required_providers {
    huaweicloud = {
      source = "huaweicloud/huaweicloud"
    }
  }
}

variable "service" { type = string }
variable "iam" { type = string }
variable "region" { type = string }

variable "access_key" {
  type    = string
  default = null
}

variable "secret_key" {
  type    = string
  default = null
}

variable "user" {
  type    = string
  default = null
}

variable "password" {
  type    = string
  default = null
}

# The ids of disks that are old enough for the recycle bin.
variable "old" {
  type    = list(string)
  default = []
}

provider "huaweicloud" {
  region                  = var.region
  auth_url                = "${var.iam}/v3"
  access_key              = var.access_key
  secret_key              = var.secret_key
  user_name               = var.user
  password                = var.password
  domain_name             = "Default"
  skip_check_website_type = true
  skip_check_upgrade      = true
  endpoints = {
    iam = var.iam
    evs = var.service
    ecs = var.service
  }
}
