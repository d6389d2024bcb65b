"""The suite: tasks that each test one ability, a plan, and a leaderboard made from results.csv."""
