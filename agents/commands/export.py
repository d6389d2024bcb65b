"""frame-select export: the scorer of a trained agent as an ONNX model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from agents.commands.options import print_line
from agents.picking.onnx_scorer import TOLERANCE, onnx_scorer
from agents.picking.selector import Selector
from data.commands.console import parse
from frame_select_env.storage import write_whole


@dataclass(frozen=True)
class ExportArguments:
    """Write the network of an agent on OneShot, which scores every frame, as an ONNX model.

    Inputs are features [B, T, D], valid [B, T], and predictions [B, T, C] if the network sees them;
    the output is scores [B, T]. Before it is written, its scores are compared with those of torch.
    """

    #: Run folder.
    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    #: The file to write.
    out: Annotated[Path, tyro.conf.arg(metavar="OUT.onnx")]
    #: Import the modules outside this project that the run names (agents and rewards of others).
    trust_code: bool = False


def export(arguments: list[str]) -> None:
    """Run the command."""
    options = parse(ExportArguments, "export", arguments)
    selector = Selector.load(options.run, trust_code=options.trust_code)
    model = onnx_scorer(selector)
    write_whole(options.out, model.SerializeToString())
    inputs = ", ".join(one.name for one in model.graph.input)
    print_line(
        f"{options.out}: {selector.agent.name}; inputs {inputs}; output scores, within "
        f"{TOLERANCE:g} of torch's"
    )
