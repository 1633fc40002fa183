"""The services of docker-compose.yaml as processes of this machine, and what a team's deployment has to withstand on them."""
