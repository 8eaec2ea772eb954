"""Files: JSON, YAML with short forms, and what is no template."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replicas.errors import ProofError
from replicas.rules import Report, check, check_file
from replicas.template.load import deployed, parse
from tests.rules.base import good

YAML = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Copies: {Type: Number, Default: 8}
  Environment: {Type: String, Default: test}
Mappings:
  Sizes:
    test: {Type: ml.p4d.24xlarge}
Conditions:
  IsBig: !Not [!Equals [!Ref Environment, test]]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: {Effect: Allow, Principal: {Service: sagemaker.amazonaws.com}, Action: "sts:AssumeRole"}
      Policies:
        - PolicyName: serve
          PolicyDocument:
            Statement: {Effect: Allow, Action: ["ecr:*", "logs:*", "cloudwatch:PutMetricData"], Resource: "*"}
  Model:
    Type: AWS::SageMaker::Model
    Properties:
      ExecutionRoleArn: !GetAtt Role.Arn
      PrimaryContainer:
        Image: !Sub "763104351884.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/huggingface-pytorch-tgi-inference:3-cu124"
        Environment:
          SM_NUM_GPUS: 1
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ExecutionRoleArn: !GetAtt [Role, Arn]
      ProductionVariants:
        - VariantName: AllTraffic
          InstanceType: !FindInMap [Sizes, !Ref Environment, Type]
          InitialInstanceCount: !If [IsBig, 2, 1]
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties:
      EndpointConfigName: !GetAtt Config.EndpointConfigName
  Llama:
    Type: AWS::SageMaker::InferenceComponent
    Properties:
      EndpointName: !Select [1, !Split ["/", !Ref Endpoint]]
      VariantName: AllTraffic
      RuntimeConfig: {CopyCount: !Ref Copies}
      Specification:
        ModelName: !GetAtt Model.ModelName
        ComputeResourceRequirements:
          NumberOfAcceleratorDevicesRequired: 1
          NumberOfCpuCoresRequired: 9
          MinMemoryRequiredInMb: 65536
"""


def test_yaml_with_short_forms_fits(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(YAML)

    report = check_file(path)

    assert (report.problems, report.warnings, report.unresolved) == ((), (), ())
    assert report.endpoints[0].placement == ({"Llama": 8},)


def test_parameters_go_over_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(YAML)

    report = check_file(path, parameters={"Copies": "9"})

    assert [problem.rule for problem in report.problems] == ["over-committed"]


def test_json_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(good()), encoding="utf-8-sig")

    assert check_file(path) == check(good())


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref A", {"Ref": "A"}),
        ("!Condition A", {"Condition": "A"}),
        ("!GetAtt A.B.C", {"Fn::GetAtt": ["A", "B.C"]}),
        ("!Sub ['${A}', {A: !Ref B}]", {"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]}),
        ("!Transform {Name: AWS::Include}", {"Fn::Transform": {"Name": "AWS::Include"}}),
        ("2010-09-09", "2010-09-09"),
    ],
)
def test_short_forms_become_long_ones(short: str, long: object) -> None:
    assert parse(f"Resources: {{A: {{Properties: {short}}}}}")["Resources"]["A"]["Properties"] == long


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no section `Resources`"),
        ("[1, 2]", "no section `Resources`"),
        ("just text", "no section `Resources`"),
        ('{"name": "package"}', "no section `Resources`"),
        ("Resources: [A]", "no section `Resources`"),
        ('{"Resources": {', "not readable as JSON: Expecting property name"),
        ("Resources: {A: [", "not readable as YAML: .*expected node content|.*expected the node content"),
        ("Resources: {A: !!bool maybe}", "not readable as YAML"),
        ("Resources: {A: !!int x}", "not readable as YAML"),
        ("Resources: {A: !!python/object:os.system {}}", "not readable as YAML"),
        ("Resources: {? [a] : b}", "not readable as YAML"),
        ("[" * 5000, "not readable as YAML: nested deeper than 100 levels"),
        ("[" * 1_000_000, "not readable as YAML: nested deeper than 100 levels"),
        ('{"Resources": ' + "[" * 5000, "not readable as JSON"),
        ('{"Resources": {"A": ' + "1" * 5000 + "}}", "not readable|Resources"),
    ],
)
def test_what_is_no_template(text: str, message: str) -> None:
    with pytest.raises(ProofError, match=f"file.yaml: .*({message})"):
        parse(text, "file.yaml")


_KEYS = ", ".join(f"k{n}: 1" for n in range(1000))


def test_a_merge_takes_the_first_mapping_that_has_a_key_and_own_keys_win() -> None:
    template = parse("Resources: {A: &a {x: 1, y: 1}, B: &b {x: 2, z: 2}, C: {y: 3, <<: [*a, *b]}}")

    assert template["Resources"]["C"] == {"x": 1, "y": 3, "z": 2}


def test_merges_that_double_at_each_level_copy_each_key_once() -> None:
    levels = [f"  A{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 1}}" for n in range(1, 60)]

    template = parse("\n".join(["Resources:", "  A0: &a0 {k0: 1}", *levels]))

    assert len(template["Resources"]["A59"]) == 60


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "\n".join(
                ["Resources:", "  A0: &a0 [x]", *(f"  A{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
            ),
            "expands to more than 250000 values",
        ),
        (
            f"Resources: {{A: &a {{{_KEYS}}}, B: {{<<: [{', '.join(['*a'] * 101)}]}}}}",
            "its merge keys copy more than 100000 keys",
        ),
        ("Resources: {A: &a {B: *a}}", "a YAML alias is inside the value that it refers to"),
        ("Resources: {A: &a {<<: *a}}", "not readable as YAML"),
        ("Resources: {A: {<<: text}}", "not readable as YAML: a merge needs a mapping"),
        ('{"Resources": ' + '{"A":' * 200 + "1" + "}" * 201, "nested deeper than 100 levels"),
        ('{"Resources": {"A": NaN}}', "not readable as JSON: NaN is not a number in JSON"),
        ("{Resources: {}}", "not readable as JSON: Expecting property name"),
        ("# " + "x" * 1_000_000, "larger than 1000000 bytes"),
    ],
)
def test_a_text_beyond_a_limit_is_refused_with_one_line(text: str, message: str) -> None:
    with pytest.raises(ProofError, match=f"^file.yaml: {message}") as refusal:
        parse(text, "file.yaml")
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProofError, match="cannot be read: No such file"):
        check_file(tmp_path / "none.json")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ProofError, match="cannot be read: Is a directory"):
        check_file(tmp_path)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_bytes(b"\xff\xfe\x00\x80")

    with pytest.raises(ProofError, match="cannot be read"):
        check_file(path)


def test_a_mapping_that_is_no_template() -> None:
    with pytest.raises(ProofError, match="`Resources` must be an object"):
        check({"Resources": []})


def test_a_stack_without_resources_has_no_findings() -> None:
    assert check({"Rules": {}}) == Report((), (), (), ())


@pytest.mark.parametrize("body", [{"Resources": {"A": {}}}, '{"Resources": {"A": {}}}', "Resources: {A: {}}"])
def test_a_deployed_template_is_read_as_boto3_answers_it(body: str | dict[str, object]) -> None:
    assert deployed(body) == {"Resources": {"A": {}}}
