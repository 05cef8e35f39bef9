"""The CloudFormation stacks, a module each; what one gives to the others goes by exported values."""
