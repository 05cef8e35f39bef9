"""The CloudFormation stacks, one module each; values pass from one to another as exports."""
