"""What the platform runs on in an AWS account, as code: CloudFormation templates, the names they give, their application."""
