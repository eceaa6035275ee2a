//! A case that should fail does, and says where.

use serde_json::{Value, json};

use super::*;

/// Answers what it was told to, one after another; the last for ever.
struct Scripted {
    regions: Vec<String>,
    answers: Vec<Answer>,
    asked: Vec<(usize, String, Value)>,
}

impl Arm for Scripted {
    fn regions(&self) -> &[String] {
        &self.regions
    }

    fn call(&mut self, region: usize, operation: &str, body: &Value) -> Result<Answer, String> {
        let answer = self.answers[self.asked.len().min(self.answers.len() - 1)].clone();
        self.asked
            .push((region, operation.to_owned(), body.clone()));
        Ok(answer)
    }

    fn wait(&mut self) {}

    fn pass(&mut self, _seconds: u32) -> bool {
        false
    }
}

fn scripted(answers: &[Value]) -> Scripted {
    Scripted {
        regions: ["eu-west-1", "us-east-1", "ap-southeast-1"]
            .map(str::to_owned)
            .into(),
        answers: answers.iter().cloned().map(Answer::Served).collect(),
        asked: Vec::new(),
    }
}

fn case(steps: &str) -> Case {
    let text = format!("name = 'n'\nsource = 's'\nversion = 'any'\nsteps = [{steps}]");
    toml::from_str(&text).expect("well formed")
}

#[test]
fn a_case_names_its_table_and_remembers_what_it_is_told_to() {
    let case = case(
        "{ call = 'DescribeTable', keep = { arn = '/Table/Arn' }, gives = { Table = { TableName = '$table' } } },
         { at = 'there', call = 'DescribeStream', with = { StreamArn = '$arn', R = '$here' }, gives = {} }",
    );
    let mut arm = scripted(&[json!({"Table": {"Arn": "x", "TableName": "t"}})]);
    assert_eq!(play(&case, &mut arm, "t"), Outcome::Passed);
    assert_eq!(
        arm.asked[0],
        (0, "DescribeTable".into(), json!({"TableName": "t"}))
    );
    assert_eq!(
        arm.asked[1],
        (
            1,
            "DescribeStream".into(),
            json!({"StreamArn": "x", "R": "eu-west-1"})
        )
    );
}

#[test]
fn what_takes_time_is_asked_again_and_what_must_stay_is_too() {
    let until = case("{ call = 'GetItem', until = { Item = 1 } }");
    let late = [json!({}), json!({}), json!({"Item": 1})];
    let mut arm = scripted(&late);
    assert_eq!(play(&until, &mut arm, "t"), Outcome::Passed);
    assert_eq!(arm.asked.len(), 3);
    let never = play(&until, &mut scripted(&[json!({})]), "t");
    assert_eq!(
        never,
        Outcome::Failed("step 1, GetItem here: /Item is missing, expected 1".into())
    );
    let stays = case("{ call = 'GetItem', stays = { Item = '$absent' } }");
    assert_eq!(
        play(&stays, &mut scripted(&[json!({})]), "t"),
        Outcome::Passed
    );
    assert!(matches!(
        play(&stays, &mut scripted(&late), "t"),
        Outcome::Failed(_)
    ));
}

#[test]
fn refusals_are_told_by_name_and_words() {
    let refusal = |error: &str, message: &str| Scripted {
        answers: vec![Answer::Refused {
            error: error.into(),
            message: message.into(),
        }],
        ..scripted(&[])
    };
    let expecting = case("{ call = 'PutItem', refused = 'A', saying = 'no $table' }");
    assert_eq!(
        play(&expecting, &mut refusal("A", "there is no t here"), "t"),
        Outcome::Passed
    );
    for mut wrong in [
        refusal("B", "no t"),
        refusal("A", "no"),
        scripted(&[json!({})]),
    ] {
        assert!(matches!(
            play(&expecting, &mut wrong, "t"),
            Outcome::Failed(_)
        ));
    }
    let not_expecting = case("{ call = 'PutItem', gives = {} }");
    assert!(matches!(
        play(&not_expecting, &mut refusal("A", "no"), "t"),
        Outcome::Failed(_)
    ));
}

#[test]
fn an_arm_that_cannot_pass_time_skips() {
    let case = case("{ pass_s = 5 }, { call = 'GetItem', gives = {} }");
    assert!(matches!(
        play(&case, &mut scripted(&[json!({})]), "t"),
        Outcome::Skipped(_)
    ));
}
