"""Infrastructure as code for an AWS account: CloudFormation templates, the names they give, and applying them."""
