"""The pages that commands write: each one HTML file that asks nothing of the network and runs nothing."""
